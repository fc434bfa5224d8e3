"""Reasons: what moved one prediction away from the usual rate, in log-odds that add up exactly.

Average and sigmoid are linear in log-odds, so the contributions of both learners carry through to the calibrated
prediction. Features that belong together make one reason. What a reader cannot act on, or should not see, is summed
into "everything else": it is counted, never named.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from apps.predictions.ml.evaluation import odds
from apps.predictions.ml.features import FEATURES, GROUPS
from apps.predictions.ml.model import TrainedModel
from apps.predictions.ml.reasons import sentence

OTHER = "other"
OTHER_WORDS = "Everything else"


def explain(model: TrainedModel, features: pd.DataFrame, nthread: int = 1) -> list[dict[str, Any]]:
    """Per row ``{base, usual, logit, reasons}``; ``base`` is the log-odds of the usual rate.

    ``reasons`` is sorted by weight, largest first, and ends with the group ``other``; each is
    ``{group, words, contribution, features: [{name, value, contribution, words}]}``. ``base`` plus all contributions
    is the calibrated log-odds of the row.
    """
    if not len(features):
        return []
    table, bases = model.contributions(features, nthread)
    logits = model.logits(features, nthread)
    base = odds(model.usual)
    names = list(table.columns)
    contributions, values = table.to_numpy(), features.to_numpy()
    places = {name: place for place, name in enumerate(features.columns)}
    out = []
    for row in range(len(features)):
        known = {name: float(values[row, place]) for name, place in places.items()}
        parts = dict(zip(names, contributions[row].tolist(), strict=True))
        reasons = _grouped(parts, known)
        said = sum(reason["contribution"] for reason in reasons)
        rest = {"group": OTHER, "words": OTHER_WORDS, "contribution": float(logits[row]) - base - said, "features": []}
        out.append({"base": base, "usual": model.usual, "logit": float(logits[row]), "reasons": [*reasons, rest]})
        _must_add_up(float(bases[row]) + sum(parts.values()), float(logits[row]))
    return out


def _grouped(parts: dict[str, float], known: dict[str, float]) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for name, weight in parts.items():
        feature = FEATURES[name]
        if feature.shown and weight:
            value = known[name]
            shown = {"name": name, "value": None if value != value else value, "contribution": weight,
                     "words": feature.words}  # fmt: skip
            groups.setdefault(feature.group, []).append(shown)
    reasons = [
        {
            "group": group,
            "words": sentence(group, known) or GROUPS[group].words,
            "contribution": sum(item["contribution"] for item in items),
            "features": sorted(items, key=lambda item: -abs(item["contribution"])),
        }
        for group, items in groups.items()
    ]
    return sorted(reasons, key=lambda reason: -abs(reason["contribution"]))


def _must_add_up(summed: float, logit: float) -> None:
    if abs(summed - logit) > 1e-6:
        raise ArithmeticError(f"contributions sum to {summed:.9f}, the prediction is {logit:.9f}")
