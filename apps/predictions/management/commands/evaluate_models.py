"""Say how the champions did on recent decisions."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from apps.predictions.actions.evaluation import WINDOW_DAYS, evaluate_models
from apps.predictions.models import PerformanceLog


class Command(BaseCommand):
    help = "Evaluate every champion on the decided sessions that nothing reached, and keep the figures."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--window-days", type=int, default=WINDOW_DAYS)

    def handle(self, **options: Any) -> None:
        logs = evaluate_models(now=timezone.now(), window_days=options["window_days"])
        for log in logs:
            self.stdout.write(_told(log))
        if not logs:
            self.stdout.write("no model answers yet; run train_models")


def _told(log: PerformanceLog) -> str:
    counted = f"{log.model_version}: {log.sample_size} judged, {log.positives} positive"
    if log.auc_roc is None or log.brier_skill is None:
        return f"{counted}; too few to say more"
    return (
        f"{counted}; AUC {log.auc_roc:.3f}, Brier skill {log.brier_skill:.3f}, "
        f"ECE {log.ece:.3f} (a perfect model: {log.ece_of_perfect:.3f})"
    )
