"""Check every stored score against a full recompute."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.predictions.actions.score_checks import verify_scores
from tutorscore.accounts.models import Partner


class Command(BaseCommand):
    help = "Compare stored scores with a full recompute; fails if any differs, and marks those for the next minute."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--partner", help="one partner's slug; all partners when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        partner = None
        if options["partner"]:
            partner = Partner.objects.filter(slug=options["partner"]).first()
            if partner is None:
                raise CommandError(f"There is no partner {options['partner']!r}.")
        report = verify_scores(now=timezone.now(), partner=partner)
        for tutor_id, fields in report.mismatches.items():
            self.stderr.write(f"tutor {tutor_id}: {', '.join(fields)}")
        self.stdout.write(
            f"{report.checked} scores checked, {report.waiting} waiting to be scored anyway, "
            f"{len(report.mismatches)} wrong"
        )
        if report.mismatches:
            raise CommandError("Stored scores differ from a full recompute; the tutors are marked to be scored again.")
