"""`manage.py simulate OUT`: a partner export of an invented marketplace, with the truth beside it."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime

from tutorscore.simulation import DEFAULT_NOW, generate, write_export
from tutorscore.simulation.presets import DRIFTS, PRESETS

WORLD_FOLDER = "world"


def aware_moment(text: str) -> datetime:
    """An ISO 8601 time with an offset. Raises ValueError with the cause and the fix."""
    moment = parse_datetime(text)
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{text!r} is not a time with an offset; write it like 2026-06-01T00:00:00Z")
    return moment


class Command(BaseCommand):
    help = (
        "Write a simulated partner export (CSV files of docs/ingestion.md) and its truth into OUT. OUT/world holds the "
        "whole world, with what lies after --now, for oracles and for living on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("out", type=Path, help="folder to write; must be empty or new")
        parser.add_argument("--sessions", type=int, default=60_000, help="session rows known at --now (default 60000)")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--preset", choices=sorted(PRESETS), default="realistic")
        parser.add_argument("--drift", choices=DRIFTS, default="none")
        parser.add_argument(
            "--now", default=DEFAULT_NOW.isoformat(), help=f"the present (default {DEFAULT_NOW:%Y-%m-%d})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise CommandError(f"{out} exists and is not an empty folder; name another one or remove it")
        began = time.monotonic()
        try:
            world = generate(
                options["sessions"],
                options["seed"],
                options["preset"],
                now=aware_moment(options["now"]),
                drift=options["drift"],
                progress=self._progress,
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
        written = write_export(world, out)
        world.save(out / WORLD_FOLDER)
        seconds = round(time.monotonic() - began, 1)
        self.stdout.write(json.dumps({"rows": written, "seconds": seconds}))

    def _progress(self, done: int, total: int) -> None:
        if done == total or done % 10 == 0:
            self.stderr.write(f"week {done} of {total}")
