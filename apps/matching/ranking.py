"""Which tutor suits a student: the rule-based compatibility, baseline and fallback of learned matching.

Plain Python: no Django, nothing of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

# Weights of the four parts; they sum to 1. A whole scale (4 steps) or 20 years apart costs the full weight.
PACE_WEIGHT = 0.3
STYLE_WEIGHT = 0.3
COMMUNICATION_WEIGHT = 0.2
AGE_WEIGHT = 0.2
SCALE_STEPS = 4
FULL_AGE_DIFFERENCE_YEARS = 20


@dataclass(frozen=True)
class Profile:
    """What compatibility looks at; None is a missing answer, never a middle one."""

    pace: int | None = None  # 1 to 5
    style: str | None = None
    communication: int | None = None  # 1 formal to 5 casual
    age: int | None = None  # years


@dataclass(frozen=True)
class Compatibility:
    """``value`` in [0, 1] over the parts both sides answered, None if there are none; ``lost`` per answered part."""

    value: float | None
    lost: dict[str, float]
    missing: tuple[str, ...]


def compatibility(tutor: Profile, student: Profile) -> Compatibility:
    """1 - (0.3 pace/4 + 0.3 style + 0.2 communication/4 + 0.2 min(age difference/20, 1)), differences as absolutes.

    Parts that one side did not answer are left out and the remaining weights are scaled to 1, so that silence neither
    helps nor hurts.
    """
    differences: dict[str, tuple[float, float | None]] = {
        "pace": (PACE_WEIGHT, _gap(tutor.pace, student.pace, SCALE_STEPS)),
        "style": (STYLE_WEIGHT, _mismatch(tutor.style, student.style)),
        "communication": (COMMUNICATION_WEIGHT, _gap(tutor.communication, student.communication, SCALE_STEPS)),
        "age": (AGE_WEIGHT, _gap(tutor.age, student.age, FULL_AGE_DIFFERENCE_YEARS)),
    }
    answered = {part: (weight, gap) for part, (weight, gap) in differences.items() if gap is not None}
    missing = tuple(part for part in differences if part not in answered)
    total = sum(weight for weight, _ in answered.values())
    if not total:
        return Compatibility(None, {}, missing)
    lost = {part: weight * gap / total for part, (weight, gap) in answered.items()}
    return Compatibility(1 - sum(lost.values()), lost, missing)


def _gap(one: int | None, other: int | None, full: int) -> float | None:
    return None if one is None or other is None else min(abs(one - other) / full, 1.0)


def _mismatch(one: str | None, other: str | None) -> float | None:
    return None if not one or not other else float(one != other)
