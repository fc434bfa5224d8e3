"""What has worked for a tutor, from the tutor's own first sessions; silent unless the data carry it. Plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GOOD_RATING = 4
FEWEST_GOOD = 5
FEWEST_OTHERS = 3
USUAL_SHARE = 0.8
CLEARLY_MORE = 0.2


@dataclass(frozen=True)
class FirstHour:
    """One held and rated first session; ``None`` where the partner did not say."""

    rating: int
    objectives_met: bool | None
    on_time: bool | None


_HABITS = (
    ("objectives_met", "in {good} of your {n} best-rated first sessions you reached what you had planned together."),
    ("on_time", "in {good} of your {n} best-rated first sessions you were there on the minute."),
)


def what_worked(hours: Sequence[FirstHour]) -> str:
    """A sentence about what marked the tutor's best-rated first sessions, or nothing.

    It takes five well rated and three other first sessions; the habit has to be usual (80 %) in the former and 20
    points rarer in the latter, else it would be praise without information.
    """
    for habit, sentence in _HABITS:
        good = [getattr(hour, habit) for hour in hours if hour.rating >= GOOD_RATING]
        others = [getattr(hour, habit) for hour in hours if hour.rating < GOOD_RATING]
        good, others = [seen for seen in good if seen is not None], [seen for seen in others if seen is not None]
        if len(good) < FEWEST_GOOD or len(others) < FEWEST_OTHERS:
            continue
        share, elsewhere = sum(good) / len(good), sum(others) / len(others)
        if share >= USUAL_SHARE and share - elsewhere >= CLEARLY_MORE:
            return sentence.format(good=sum(good), n=len(good))
    return ""
