"""Who belongs to the control arm: a hash decides, so the same tutor gets the same arm on every machine and replay."""

from __future__ import annotations

import hashlib

MAIL, CONTROL = "mail", "control"

DEFAULT_CONTROL_SHARE = 0.20
"""Large enough to learn the effect and to keep untreated rows for training, small enough to help most tutors."""


def bucket(experiment: str, salt: str, unit: str) -> float:
    """A number in [0, 1), uniform over units: the first 53 bits of sha256 over experiment, salt and unit."""
    digest = hashlib.sha256("\x1f".join((experiment, salt, unit)).encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def draw(experiment: str, salt: str, unit: str, control_share: float) -> tuple[str, float]:
    """The arm of a unit and the probability with which that arm is drawn."""
    if bucket(experiment, salt, unit) < control_share:
        return CONTROL, control_share
    return MAIL, 1 - control_share
