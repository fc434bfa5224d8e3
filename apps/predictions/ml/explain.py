"""Reasons: what moved one prediction away from the usual rate, in log-odds that add up exactly.

Average and sigmoid are linear in log-odds, so the contributions of both learners carry through to the calibrated
prediction. Features that belong together make one reason. What a reader cannot act on, or should not see, is summed
into "everything else": it is counted, never named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from apps.predictions.ml.asof import Floats, Mask
from apps.predictions.ml.evaluation import odds
from apps.predictions.ml.features import FEATURES, GROUPS
from apps.predictions.ml.model import TrainedModel
from apps.predictions.ml.reasons import sentence

OTHER = "other"
OTHER_WORDS = "Everything else"

NAMED = 0.02
"""Log-odds, half a percentage point at most, from which a reason is named and a feature is listed below it. Lighter
reasons count in "everything else", lighter features in the sum of their reason; its heaviest is always listed."""


def explain(model: TrainedModel, features: pd.DataFrame, logits: Floats, nthread: int = 1) -> list[dict[str, Any]]:
    """Per row ``{base, usual, logit, reasons}``; ``base`` is the log-odds of the usual rate, ``logits`` the model's.

    ``reasons`` is sorted by weight, largest first, and ends with the group ``other``; each is ``{group, words,
    contribution, features: [[name, value, contribution]]}`` with the features that weigh ``NAMED`` or more. ``base``
    plus all contributions is the calibrated log-odds of the row; ArithmeticError where they do not add up.
    """
    if not len(features):
        return []
    table, bases = model.contributions(features, nthread)
    _must_add_up(bases + table.to_numpy().sum(axis=1), logits)
    base = odds(model.usual)
    groups = _Groups.of(table)
    rows = zip(features.to_numpy().tolist(), logits.tolist(), strict=True)
    out = []
    for row, (values, logit) in enumerate(rows):
        reasons = groups.reasons(row, dict(zip(features.columns, values, strict=True)))
        rest = logit - base - sum(reason["contribution"] for reason in reasons)
        reasons.append({"group": OTHER, "words": OTHER_WORDS, "contribution": rest, "features": []})
        out.append({"base": base, "usual": model.usual, "logit": logit, "reasons": reasons})
    return out


@dataclass(frozen=True)
class _Groups:
    """Contributions of many rows by group: ``sums`` (rows x groups), ``weights`` (rows x features)."""

    features: Sequence[str]
    group_of: Sequence[int]
    groups: Sequence[str]
    weights: Floats
    named: Mask
    sums: Floats

    @classmethod
    def of(cls, table: pd.DataFrame) -> _Groups:
        shown = [str(name) for name in table.columns if FEATURES[str(name)].shown]
        groups = list(dict.fromkeys(FEATURES[name].group for name in shown))
        group_of = [groups.index(FEATURES[name].group) for name in shown]
        weights = table[shown].to_numpy()
        heavy = np.abs(weights)
        sums, most = (np.zeros((len(table), len(groups))) for _ in range(2))
        for place, group in enumerate(group_of):
            sums[:, group] += weights[:, place]
            most[:, group] = np.maximum(most[:, group], heavy[:, place])
        named = (heavy >= np.minimum(NAMED, most[:, group_of])) & (heavy > 0)
        return cls(shown, group_of, groups, weights, named, sums)

    def reasons(self, row: int, known: dict[str, float]) -> list[dict[str, Any]]:
        """The reasons of one row, heaviest first; ``known`` are the values of its features."""
        weights, sums = self.weights[row], self.sums[row]
        listed: dict[int, list[list[Any]]] = {}
        places = np.flatnonzero(self.named[row])
        for place in places[np.argsort(-np.abs(weights[places]), kind="stable")].tolist():
            name = self.features[place]
            item = [name, _short(known[name]), round(float(weights[place]), 6)]
            listed.setdefault(self.group_of[place], []).append(item)
        order = [group for group in np.argsort(-np.abs(sums), kind="stable").tolist() if abs(sums[group]) >= NAMED]
        return [
            {
                "group": self.groups[group],
                "words": sentence(self.groups[group], known) or GROUPS[self.groups[group]].words,
                "contribution": round(float(sums[group]), 9),
                "features": listed[group],
            }
            for group in order
        ]


def _short(value: float) -> float | None:
    """Four decimals are more than any feature is known to; None where it is not known."""
    return None if value != value else round(value, 4)


def _must_add_up(summed: Floats, logits: Floats) -> None:
    off = np.abs(summed - logits)
    if not (off <= 1e-6).all():
        worst = int(np.argmax(off))
        raise ArithmeticError(f"contributions sum to {summed[worst]:.9f}, the prediction is {logits[worst]:.9f}")
