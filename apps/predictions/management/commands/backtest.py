"""What the pipeline would have said about later sessions, from an export or from a partner's facts."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.predictions.backtest import Backtest, run_backtest
from apps.predictions.ml.targets import TARGETS
from apps.predictions.scratch import scratch_partner
from apps.sessions.ingest.csv_rows import UnreadableFileError
from apps.sessions.ingest.doors import AssumedClock, import_export
from tutorscore.accounts.models import Partner

DATABASE = "db:"


class Command(BaseCommand):
    help = (
        "Learn from the facts known before a date, predict each later session once at its decision time, and compare "
        "with what became of it. Writes session_id, as_of, probability, label; the label is empty where it is unknown, "
        "has not matured, or is not what the probability speaks about (a first session that was not held and rated)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="folder or zip of a partner export; or db:PARTNER for facts already here")
        parser.add_argument("--target", required=True, choices=sorted(TARGETS))
        parser.add_argument("--train-until", required=True, type=_moment, help="ISO date or time; UTC unless stated")
        parser.add_argument("--hours-ahead", type=float, help="decision horizon in hours; default the target's own")
        parser.add_argument("--assume-recorded-at", choices=["event"], help="clock for rows of an export without one")
        parser.add_argument("--out", required=True, type=Path, help="CSV file to write")

    def handle(self, **options: Any) -> None:
        if not options["out"].absolute().parent.is_dir():
            raise CommandError(f"{options['out'].parent} is not a folder; --out must lie in an existing one")
        now = timezone.now()
        with self._partner(options["source"], options["assume_recorded_at"], now) as partner:
            self.stderr.write("learning and predicting …")
            found = run_backtest(
                partner=partner,
                target=options["target"],
                train_until=options["train_until"],
                now=now,
                hours_ahead=options["hours_ahead"],
            )
        found.write(options["out"])
        for line in _summary(found):
            self.stdout.write(line)

    @contextmanager
    def _partner(self, source: str, assume: AssumedClock | None, now: datetime) -> Iterator[Partner]:
        path = Path(source)
        if source.startswith(DATABASE) or not path.exists():
            yield _stored(source.removeprefix(DATABASE))
            return
        with scratch_partner(f"Backtest of {path.name}") as partner:
            try:
                report = import_export(
                    partner=partner, path=path, now=now, assume_recorded_at=assume, progress=self._progress
                )
            except UnreadableFileError as error:
                raise CommandError(str(error)) from error
            for file in report.files:
                said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(file.outcomes.items()))
                self.stderr.write(f"{file.entity.value}: {said or file.error}")
            self.stderr.write(f"{report.usable_sessions} of {report.sessions} ended sessions have a recorded time")
            yield partner

    def _progress(self, entity: str, rows: int, seconds: float) -> None:
        self.stderr.write(f"  {entity}: {rows} rows, {seconds:.0f} s")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _stored(slug: str) -> Partner:
    try:
        return Partner.objects.get(slug=slug, is_scratch=False)
    except Partner.DoesNotExist as error:
        known = ", ".join(Partner.objects.filter(is_scratch=False).values_list("slug", flat=True)) or "none"
        raise CommandError(f"{slug} is neither an export nor a partner; partners here: {known}") from error


def _summary(found: Backtest) -> list[str]:
    target, told = TARGETS[found.target], found.figures
    basis = "a model" if found.model.basis == "model" else f"the tutors' rate ({found.model.training['why_rate']})"
    lines = [
        f"{target.words}, {found.hours_ahead:g} h ahead; learned until {found.train_until:%Y-%m-%d %H:%M} UTC "
        f"from {found.model.training['rows']} sessions; answered by {basis}",
        f"asked {len(found.rows)}, judged {told['rows']}, of these positive {told['positives']}",
    ]
    if not told["rows"]:
        return [*lines, "nothing can be judged yet: no label is known"]
    return [
        *lines,
        f"base rate {told['base_rate']:.4f}, mean probability {told['mean_probability']:.4f}",
        f"AUC {_interval(told['auc'])}",
        f"Brier skill {_interval(told['brier_skill'])} against always saying {found.model.usual:.4f}",
        f"ECE {told['ece']:.4f}; a perfect model would show {told['ece_of_a_perfect_model']:.4f} at this size",
        f"calibration slope {told['calibration_slope']:.2f} (1 is right)",
    ]


def _interval(figure: dict[str, float]) -> str:
    return f"{figure['value']:.4f} (95 %: {figure['low']:.4f} to {figure['high']:.4f})"
