"""`manage.py bench_models`: what models reach where the truth is known; `bin/bench models` runs it from scratch."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from apps.predictions.ml.targets import TARGETS
from tutorscore.front.bench.models import JUDGED_DAYS, Measured, Setting, measure, table
from tutorscore.front.progress import Steps
from tutorscore.simulation.presets import PRESETS

INTRODUCTION = f"""# What the models reach

Printed by `bin/bench models {{options}}`. Every world is exported, imported, learned from up to {JUDGED_DAYS} days
before its end and asked about every later session once, at its decision time. Means over {{seeds}} worlds (seeds
{{names}}); in brackets the range over worlds, or a 95 % interval of pooled decisions.

- **Of the oracle's skill**: the share of the Brier score's way from the base rate to the named oracle, against the
  true probabilities. `filter` knows what the export had shown and the law of the world, `tutor-known` the tutor's
  hidden traits, `omniscient` everything but the dice.
- **AUC, bound**: of the answers against what happened, and of that oracle against the truth. A model that is better
  than its bound in the long run has seen what it could not know.
- **Precision .60**: precision and recall of the threshold from which 60 of 100 marked sessions should end that way,
  then the largest recall the oracle could reach there.
"""


class Command(BaseCommand):
    help = "Measure what models reach on simulated worlds and write it as a document."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sizes", type=int, nargs="+", default=[6_000, 60_000], help="sessions a world")
        parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
        parser.add_argument("--presets", nargs="+", default=["realistic"], choices=sorted(PRESETS))
        parser.add_argument("--targets", nargs="+", default=list(TARGETS), choices=list(TARGETS))
        parser.add_argument("--out", type=Path, help="Markdown file to write; printed where left out")

    def handle(self, **options: Any) -> None:
        steps = Steps("bench")
        seeds = options["seeds"]
        told = " ".join(
            f"--{name} {' '.join(map(str, options[name]))}" for name in ("sizes", "seeds", "presets", "targets")
        )
        names = ", ".join(map(str, seeds))
        lines = [INTRODUCTION.format(options=told, seeds=len(seeds), names=names)]
        for preset in options["presets"]:
            for size in options["sizes"]:
                setting = Setting(preset, size)
                found: list[Measured] = []
                for seed in seeds:
                    with steps.step(f"{setting.words}, seed {seed}"):
                        found += measure(setting, seed, options["targets"])
                lines += [f"## {setting.words[0].upper()}{setting.words[1:]}", "", *table(found), ""]
        text = "\n".join(lines)
        if options["out"]:
            options["out"].write_text(text)
        else:
            self.stdout.write(text)
