"""How appointments ended, in one list that may be summed by tutor, student or pair."""

from __future__ import annotations

import numpy as np

from apps.predictions.ml.asof import Ints
from apps.predictions.ml.history import Facts, History, Kind
from apps.predictions.ml.resolutions import Resolutions


def endings(history: History) -> Facts:
    """Every resolution as ``resolutions`` defines it: a session counts once at every moment.

    ``values``: ``weight`` (-1 takes back an ending that something of higher rank has replaced) and ``notice_hours`` of
    a request. Sums must be taken over ``signed``.
    """
    found, ends, moves = Resolutions(history), history.outcomes, history.moves
    notice, bare = moves.values["notice_hours"], len(found.unexplained)
    parts = [
        (found.met, ends.kind[found.met.source], np.full(len(found.met), np.nan)),
        (found.moved, moves.kind[found.moved.source], notice[found.moved.source]),
        (found.unexplained, np.full(bare, int(Kind.MOVED_BY_UNKNOWN)), np.full(bare, np.nan)),
    ]
    row, happened, enter, leave, weight = (
        np.concatenate([getattr(counted, name) for counted, _, _ in parts])
        for name in ("row", "happened", "enter", "leave", "weight")
    )
    values = {
        "weight": weight.astype(np.float64),
        "notice_hours": np.concatenate([hours for _, _, hours in parts]),
    }
    kind = np.concatenate([kind for _, kind, _ in parts]).astype(np.int64)
    return Facts(row, happened, enter, leave, kind, values)


def signed(facts: Facts, *kinds: Kind) -> Ints:
    """The weight of the facts of these kinds (of every fact without any named), 0 for the others."""
    weight = facts.values["weight"].astype(np.int64)
    return weight * np.isin(facts.kind, kinds) if kinds else weight
