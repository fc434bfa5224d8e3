"""Join matured outcomes to the decisions of a partner."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.predictions.actions.outcomes import record_outcomes
from tutorscore.accounts.models import Partner


class Command(BaseCommand):
    help = "Say what became of the sessions that were decided about, as far as it is known now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--partner", default="demo")

    def handle(self, **options: Any) -> None:
        partner = Partner.objects.filter(slug=options["partner"]).first()
        if partner is None:
            raise CommandError(f"There is no partner {options['partner']!r}; name one with --partner.")
        report = record_outcomes(partner=partner, now=timezone.now())
        self.stdout.write(f"{report.created} new, {report.updated} corrected, {report.unchanged} unchanged")
