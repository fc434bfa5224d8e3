"""How well the product learns, on simulated worlds whose truth is known.

Every figure takes the path of a partner: an export is written and imported, models are trained on what was known
``JUDGED_DAYS`` before its end, and each later session is asked about once, at its decision time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from apps.predictions.backtest import Backtest, answer_later, run_backtest
from apps.predictions.ml.evaluation import wilson
from apps.predictions.ml.policy import WANTED_PRECISION, read_out
from apps.predictions.ml.targets import TARGETS
from apps.predictions.scratch import scratch_partner
from apps.sessions.ingest.doors import import_export
from tutorscore.accounts.models import Partner
from tutorscore.simulation import World, generate, write_export
from tutorscore.simulation.oracles import (
    expected_recall,
    fraction,
    oracle_probabilities,
    skill,
    truth_probabilities,
)

JUDGED_DAYS = 92


@dataclass(frozen=True)
class Setting:
    """One kind of simulated world; every seed of it is a world of its own."""

    preset: str
    sessions: int

    @property
    def words(self) -> str:
        return f"{self.preset}, {self.sessions:,} sessions"


@dataclass(frozen=True)
class Measured:
    """One target at one horizon in one world. Fractions are of the named oracle's skill."""

    target: str
    hours: float
    basis: str
    rows: int
    base_rate: float
    mean_probability: float
    auc: float
    auc_oracle: float
    fraction: float
    fraction_of_rate: float
    oracle: str
    ece: float
    ece_of_a_perfect_model: float
    precise: dict[str, Any]
    recall_of_oracle: float
    marked: dict[str, Any]


def measure(setting: Setting, seed: int, targets: Sequence[str]) -> Iterator[Measured]:
    """Make one world, import its export, and measure each target at each of its horizons."""
    world = generate(setting.sessions, seed, setting.preset)
    now = datetime.fromtimestamp(world.now, tz=UTC)
    with scratch_partner("benchmark") as partner, tempfile.TemporaryDirectory() as folder:
        write_export(world, Path(folder))
        import_export(partner=partner, path=Path(folder), now=now)
        for target in targets:
            yield from _target(world, partner, target, now)


def _target(world: World, partner: Partner, target: str, now: datetime) -> Iterator[Measured]:
    until = now - timedelta(days=JUDGED_DAYS)
    found = run_backtest(partner=partner, target=target, train_until=until, now=now)
    for hours in TARGETS[target].horizons:
        if hours != found.hours_ahead:
            later = answer_later(partner=partner, model=found.model, since=until, now=now, hours_ahead=hours)
        else:
            later = found
        yield _read(world, later)


def _read(world: World, later: Backtest) -> Measured:
    judged = later.rows[later.rows["label"].notna()]
    label, said = judged["label"].to_numpy(dtype=np.float64), judged["probability"].to_numpy(dtype=np.float64)
    # What the truth speaks about is known of sessions that took place; a move ends a question whatever came after.
    asked = later.rows if later.target == "reschedule" else judged
    ids, moments = asked["session_id"].tolist(), asked["as_of"]
    against = skill(world, later.target, asked, later.hours_ahead)
    truth = truth_probabilities(world, later.target, ids, moments, later.hours_ahead)
    oracle = oracle_probabilities(world, later.target, ids, moments, later.hours_ahead)
    policies = later.model.policies
    return Measured(
        target=later.target,
        hours=later.hours_ahead,
        basis=later.model.basis,
        rows=len(judged),
        base_rate=float(label.mean()),
        mean_probability=float(said.mean()),
        auc=float(later.figures["auc"]["value"]),
        auc_oracle=float(against["auc_oracle"]),
        fraction=float(against["fraction"]),
        fraction_of_rate=fraction(asked["rate"].to_numpy(dtype=np.float64), oracle, truth),
        oracle=str(against["oracle"]),
        ece=float(later.figures["ece"]),
        ece_of_a_perfect_model=float(later.figures["ece_of_a_perfect_model"]),
        precise=read_out(policies["precision"], label, said)["confusion"],
        recall_of_oracle=expected_recall(oracle, truth, WANTED_PRECISION),
        marked=read_out(policies["top_share"], label, said)["confusion"],
    )


HEADER = (
    "| asked about | judged | happened, said | AUC, bound | of the oracle's skill | tutor's rate alone "
    "| ECE, of a perfect model | precision .60: recall, oracle's | mail to 15 %: precision, recall | answered by |"
)


def table(found: Iterable[Measured]) -> list[str]:
    """Markdown: one line a target and horizon, means over worlds, decisions pooled."""
    groups: dict[tuple[str, float], list[Measured]] = {}
    for one in found:
        groups.setdefault((one.target, one.hours), []).append(one)
    return [HEADER, "|" + " --- |" * 10, *(_line(worlds) for worlds in groups.values())]


def _line(worlds: list[Measured]) -> str:
    first = worlds[0]
    ahead = f"{first.hours:g} h ahead"
    fractions = [one.fraction for one in worlds]
    by_model = sum(one.basis == "model" for one in worlds)
    return _row(
        f"{TARGETS[first.target].words}, {ahead}",
        f"{round(_mean(one.rows for one in worlds)):,}",
        f"{_mean(one.base_rate for one in worlds):.3f}, {_mean(one.mean_probability for one in worlds):.3f}",
        f"{_mean(one.auc for one in worlds):.3f}, {_mean(one.auc_oracle for one in worlds):.3f}",
        f"**{_mean(fractions):.2f}** ({min(fractions):.2f} to {max(fractions):.2f}) {first.oracle}",
        f"{_mean(one.fraction_of_rate for one in worlds):.2f}",
        f"{_mean(one.ece for one in worlds):.3f}, {_mean(one.ece_of_a_perfect_model for one in worlds):.3f}",
        f"{_shares([one.precise for one in worlds])}; {_mean(one.recall_of_oracle for one in worlds):.2f}",
        _shares([one.marked for one in worlds]),
        f"model in {by_model} of {len(worlds)}" if by_model else "rate: not enough data",
    )


def _shares(tables: list[dict[str, int]]) -> str:
    """Precision and recall of pooled decisions with 95 % intervals."""
    hits, wrong, missed = (
        sum(one[name] for one in tables) for name in ("true_positive", "false_positive", "false_negative")
    )
    if not hits + wrong:
        return "none marked"
    return f"{_share(hits, hits + wrong)}, {_share(hits, hits + missed)}"


def _share(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{hits / of if of else float('nan'):.2f} ({low:.2f} to {high:.2f})"


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
