"""Make an API key of a partner; the secret is printed once."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tutorscore.accounts.models import Partner, PartnerKey, Scope


class Command(BaseCommand):
    help = "Make an API key of a partner. The secret is printed once and stored only as a hash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--partner", default="demo", help="slug of the partner (default: demo)")
        parser.add_argument("--name", default="made on the command line", help="what the key is for")
        parser.add_argument(
            "--scopes", nargs="+", choices=Scope.values, default=[Scope.FACTS_WRITE.value], help="default: facts:write"
        )
        parser.add_argument("--days", type=int, default=365, help="days until it expires (default: 365)")

    def handle(self, *args: Any, **options: Any) -> None:
        partner = Partner.objects.filter(slug=options["partner"]).first()
        if partner is None:
            known = ", ".join(Partner.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no partner {options['partner']!r}. Known: {known}.")
        if options["days"] < 1:
            raise CommandError("--days must be at least 1.")
        scopes = list(dict.fromkeys(options["scopes"]))
        key, secret = PartnerKey.objects.create_key(
            name=options["name"][:50],
            partner=partner,
            scopes=" ".join(scopes),
            expiry_date=timezone.now() + timedelta(days=options["days"]),
        )
        self.stderr.write(f"Key {key.prefix} of {partner.slug}, {', '.join(scopes)}, {options['days']} days:")
        self.stdout.write(secret)
