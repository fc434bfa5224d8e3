"""Who gets a mail: one setting per target, decided from the calibrated probability alone.

Two thresholds are always known beside each other: the score that marks the riskiest share (the budget of kind mails),
and the smallest score from which 60 of 100 marked sessions do end that way (the bar for work that costs staff time).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from apps.predictions.ml.asof import Floats
from apps.predictions.ml.evaluation import confusion, precision_recall, wilson

TOP_SHARE, FIXED, PRECISION = "top_share", "fixed", "precision"

DEFAULT_SHARE, FORMER_THRESHOLD, WANTED_PRECISION = 0.15, 0.5, 0.60


@dataclass(frozen=True)
class Policy:
    """``kind`` with the probability from which it says yes. ``threshold`` above 1: nothing is ever chosen."""

    kind: str
    threshold: float
    share: float | None = None
    precision: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


NEVER_REACHED = 2.0


def should_alert(policy: Policy, probability: float) -> bool:
    """The policy's answer; shown as ``should_send_alert``."""
    return probability >= policy.threshold


def top_share(probability: Floats, share: float = DEFAULT_SHARE) -> Policy:
    """The riskiest ``share`` of the questions these probabilities belong to."""
    if not len(probability):
        return Policy(TOP_SHARE, NEVER_REACHED, share=share)
    return Policy(TOP_SHARE, float(np.quantile(probability, 1 - share)), share=share)


def fixed(threshold: float = FORMER_THRESHOLD) -> Policy:
    """The former rule: one number for everybody."""
    return Policy(FIXED, threshold)


def for_precision(probability: Floats, wanted: float = WANTED_PRECISION) -> Policy:
    """The smallest threshold whose chosen rows reach ``wanted`` on average, going by the calibrated probabilities.

    ``threshold`` is ``NEVER_REACHED`` where even the riskiest row is below: then no threshold reaches it.
    """
    ordered = np.sort(probability)[::-1]
    running = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    reached = np.flatnonzero(running >= wanted)
    threshold = float(ordered[reached[-1]]) if len(reached) else NEVER_REACHED
    return Policy(PRECISION, threshold, precision=wanted)


def read_out(policy: Policy, label: Floats, probability: Floats) -> dict[str, Any]:
    """What the policy would have done on judged rows: counts, precision and recall with 95 % intervals."""
    chosen = probability >= policy.threshold
    table = confusion(label, chosen)
    precision, recall = precision_recall(label, chosen)
    hits = table["true_positive"]
    said, there = hits + table["false_positive"], hits + table["false_negative"]
    low, high = wilson(hits, said)
    return {
        **policy.to_dict(),
        "reachable": policy.threshold < NEVER_REACHED,
        "chosen": said,
        "share_chosen": said / len(label) if len(label) else None,
        "precision": {"value": precision, "low": low, "high": high},
        "recall": {"value": recall, **dict(zip(("low", "high"), wilson(hits, there), strict=True))},
        "confusion": table,
    }
