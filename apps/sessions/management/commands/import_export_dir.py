"""Import a partner export: a folder of CSV files, or a zip of one."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone

from apps.sessions.ingest.csv_rows import UnreadableFileError
from apps.sessions.ingest.doors import FileReport, ImportReport, import_export
from apps.sessions.ingest.results import RowOutcome
from apps.sessions.models import RejectedRow
from tutorscore.accounts.models import Partner

_SHOWN_REFUSALS = 20


class Command(BaseCommand):
    help = "Import a partner export (folder or zip). Safe to repeat: what is in already counts as unchanged."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="DIR|ZIP")
        parser.add_argument("--partner", default="demo", help="slug; the partner is made if it is new (default: demo)")
        parser.add_argument(
            "--assume-recorded-at",
            choices=["event"],
            help="where recorded_at is missing, take the event's own time instead of now",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["partner"]
        partner, made = Partner.objects.get_or_create(slug=slug, defaults={"name": slug.replace("-", " ").title()})
        if made:
            self.stdout.write(f"New partner {slug}.")
        try:
            report = import_export(
                partner=partner,
                path=options["path"],
                now=timezone.now(),
                assume_recorded_at=options["assume_recorded_at"],
                progress=self._show_progress,
            )
        except UnreadableFileError as error:
            raise CommandError(str(error)) from None
        self._show_report(report)
        failed = [file.entity.value for file in report.files if file.error]
        if failed:
            raise CommandError(f"Not read: {', '.join(failed)}.")

    def _show_progress(self, entity: str, rows: int, seconds: float) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{entity}: {rows:,} rows, {rows / max(seconds, 0.001):,.0f} a second", ending="")
            self.stderr.flush()

    def _show_report(self, report: ImportReport) -> None:
        self.stdout.write("")
        for file in report.files:
            self._show_file(file)
        self.stdout.write(
            f"{report.usable_sessions:,} of {report.sessions:,} ended sessions have a recorded_at: usable for training."
        )
        if report.usable_sessions < report.sessions:
            self.stdout.write("The others count as known only from now; see --assume-recorded-at event.")
        if report.refused:
            self._show_refusals(report)

    def _show_file(self, file: FileReport) -> None:
        if file.error:
            self.stdout.write(self.style.ERROR(f"{file.entity.value}: {file.error}"))
            return
        counts = ", ".join(f"{file.outcomes[name]:,} {name}" for name in RowOutcome.values if file.outcomes[name])
        speed = file.rows / max(file.seconds, 0.001)
        self.stdout.write(f"{file.entity.value}: {counts or 'no rows'} ({file.seconds:.1f} s, {speed:,.0f} rows/s)")
        if file.unknown_columns:
            self.stdout.write(f"  unknown columns, ignored: {', '.join(file.unknown_columns)}")

    def _show_refusals(self, report: ImportReport) -> None:
        """Includes rows kept by an earlier import of the same files that are still open."""
        kept = RejectedRow.objects.of_partner(report.run.partner).still_open()
        kept = kept.filter(source__startswith=f"{report.run.source}/")
        shown = kept.order_by("source", "line")[:_SHOWN_REFUSALS]
        self.stdout.write(f"{report.refused:,} rows were not applied; each is kept and can be corrected and replayed:")
        for row in shown:
            self.stdout.write(f"  {row.source}:{row.line} {row.field or '(row)'} {row.code}: {row.message}")
        if kept.count() > len(shown):
            self.stdout.write(f"  and {kept.count() - len(shown):,} more.")
        self.stdout.write(f"All of them: {reverse('admin:tutoring_sessions_rejectedrow_changelist')}")
