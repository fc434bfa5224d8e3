"""Train a version of each target from the partners that models may learn from."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.predictions.actions.training import TrainingInProgressError, train_target
from apps.predictions.ml.targets import TARGETS
from apps.predictions.models import ModelVersion
from tutorscore.accounts.models import Partner


class Command(BaseCommand):
    help = (
        "Train a version of every target. The first one of a target becomes its champion, provisionally; later ones "
        "wait as candidates until promote_model, unless only a rate answered so far."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="may be repeated; default all")
        parser.add_argument(
            "--partner", action="append", help="may be repeated; default every partner marked with trains_models"
        )
        parser.add_argument("--known-by", type=_moment, help="ISO time; only facts known by then are used; default now")
        parser.add_argument("--candidate-only", action="store_true", help="promote nothing")

    def handle(self, **options: Any) -> None:
        now = timezone.now()
        partners = _partners(options["partner"])
        for target in options["target"] or TARGETS:
            started = monotonic()
            self.stderr.write(f"{target}: training …")
            try:
                version = train_target(
                    target=target,
                    partners=partners,
                    known_by=options["known_by"] or now,
                    now=now,
                    promote=not options["candidate_only"],
                )
            except TrainingInProgressError as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"{_told(version)} ({monotonic() - started:.1f} s)")


def _told(version: ModelVersion) -> str:
    figures = version.metrics["model"]
    auc, skill = figures["auc"]["value"], figures["brier_skill"]["value"]
    said = "not judged" if auc is None else f"AUC {auc:.3f}, Brier skill {skill:.3f}, ECE {figures['ece']:.3f}"
    return f"{version}: {version.get_standing_display().lower()}, basis {version.basis}; {said}"


def _partners(slugs: list[str] | None) -> list[Partner]:
    known = Partner.objects.filter(is_scratch=False).order_by("pk")
    if slugs is None:
        chosen = list(known.filter(trains_models=True))
        if not chosen:
            raise CommandError(
                "No partner is marked with trains_models; mark one in the admin or name one (--partner)."
            )
        return chosen
    chosen = list(known.filter(slug__in=slugs))
    missing = sorted(set(slugs) - {partner.slug for partner in chosen})
    if missing:
        raise CommandError(f"There is no partner {', '.join(missing)}.")
    barred = [partner.slug for partner in chosen if not partner.trains_models]
    if barred:
        raise CommandError(f"Models may not learn from {', '.join(barred)}; trains_models is off in the admin.")
    return chosen


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
