"""Which tips one mail holds: for the reasons first, then for the situation, then what always helps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from apps.alerts.tips.catalogue import CATALOGUE, ROOM, Moment, Tip
from apps.alerts.tips.situation import Situation

MOST_TIPS = 5
MOST_FROM_REASONS = 3
FEWEST_TIPS = 3

_BY_KEY = {tip.key: tip for tip in CATALOGUE}


def choose(reasons: Sequence[str], at: Situation) -> list[str]:
    """Keys of three to five tips in the order of the hour.

    ``reasons`` are groups of reasons, strongest first. Each is answered by one tip and three at most, so that the
    student is not forgotten over the tutor. A moment of the hour holds only as many tips as it has room for.
    """
    chosen: list[Tip] = []
    possible = [tip for tip in CATALOGUE if tip.fits is None or tip.fits(at)]
    for group in reasons:
        if len(chosen) < MOST_FROM_REASONS:
            _add_one([tip for tip in possible if group in tip.groups], chosen)
    for tip in possible:
        if tip.fits is not None and tip.volunteers and len(chosen) < MOST_TIPS:
            _add_one([tip], chosen)
    for tip in possible:
        if tip.fits is None and tip.volunteers and len(chosen) < FEWEST_TIPS:
            _add_one([tip], chosen)
    return [tip.key for tip in sorted(chosen, key=lambda tip: tip.moment)]


def write_out(keys: Sequence[str], student: str) -> list[tuple[str, str]]:
    """Title and text of each tip with the student's name in it; plain text, to be escaped where it is shown.

    Keys that left the catalogue since they were chosen are passed over.
    """
    tips = [_BY_KEY[key] for key in keys if key in _BY_KEY]
    return [(_filled(tip.title, student), _filled(tip.text, student)) for tip in tips]


def _filled(words: str, student: str) -> str:
    sentence = words.replace("{name}", student)
    return sentence[:1].upper() + sentence[1:]


def _add_one(candidates: Sequence[Tip], chosen: list[Tip]) -> None:
    """The first candidate that is new and whose moment still has room."""
    taken: Counter[Moment] = Counter(tip.moment for tip in chosen)
    for tip in candidates:
        if tip not in chosen and taken[tip.moment] < ROOM[tip.moment]:
            chosen.append(tip)
            return
