"""Ask the champions about the upcoming sessions of a partner."""

from __future__ import annotations

from argparse import ArgumentParser
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.predictions.actions.predictions import LOOKAHEAD_HOURS, predict_upcoming
from apps.predictions.ml.targets import TARGETS
from tutorscore.accounts.models import Partner


class Command(BaseCommand):
    help = "Predict open sessions; appends what changed and takes the decisions that have fallen due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--partner", default="demo")
        parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="may be repeated; default all")
        parser.add_argument("--lookahead-hours", type=float, default=LOOKAHEAD_HOURS)

    def handle(self, **options: Any) -> None:
        partner = Partner.objects.filter(slug=options["partner"]).first()
        if partner is None:
            raise CommandError(f"There is no partner {options['partner']!r}; name one with --partner.")
        started = monotonic()
        report = predict_upcoming(
            partner=partner,
            now=timezone.now(),
            lookahead_hours=options["lookahead_hours"],
            targets=options["target"],
        )
        for target, asked in report.asked.items():
            self.stdout.write(
                f"{target}: {asked} asked, {report.appended[target]} appended, {report.decided[target]} decided"
            )
        for target in report.skipped:
            self.stdout.write(f"{target}: no model answers yet; run train_models")
        self.stdout.write(f"{monotonic() - started:.1f} s")
