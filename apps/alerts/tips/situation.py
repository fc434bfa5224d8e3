"""What a tip may depend on: what the student asked for, age, subject, hour, tenure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

EARLY_UNTIL, LATE_FROM = 10, 18  # hours on the tutor's clock
CHILD_UNDER, TEEN_OVER = 10, 16  # years of age
NEW_UNTIL_DAYS = 90
LOW, HIGH = 2, 4  # of 5: what counts as a clear wish on the scales of a profile


class Family(StrEnum):
    """Subjects that are opened in the same way."""

    MATHEMATICS = "mathematics"
    LANGUAGES = "languages"
    SCIENCES = "sciences"


_FAMILIES: dict[Family, frozenset[str]] = {
    Family.MATHEMATICS: frozenset({"math", "maths", "mathematics", "algebra", "geometry", "calculus", "statistics"}),
    Family.LANGUAGES: frozenset(
        {"english", "spanish", "french", "german", "italian", "latin", "portuguese", "polish", "turkish", "chinese"}
    ),
    Family.SCIENCES: frozenset({"physics", "chemistry", "biology", "science", "sciences"}),
}
_EXAM_WORDS = ("exam", "entrance", "entry", "sat ", "gcse", "abitur")


@dataclass(frozen=True)
class Situation:
    """One session as seen by the tutor; ``hour`` is on the tutor's clock, ``age`` in years, wishes are 1 to 5."""

    hour: int
    subject: str = ""
    age: int | None = None
    tenure_days: int | None = None
    pace: int | None = None
    teaching_style: str = ""
    communication: int | None = None
    urgency: int | None = None
    goals: str = ""
    is_new_to_tutoring: bool = False
    has_session_just_before: bool = False

    @property
    def family(self) -> Family | None:
        words = self.subject.casefold().split()
        return next((family for family, names in _FAMILIES.items() if names.intersection(words)), None)

    @property
    def is_early_or_late(self) -> bool:
        return self.hour < EARLY_UNTIL or self.hour >= LATE_FROM

    @property
    def is_child(self) -> bool:
        return self.age is not None and self.age < CHILD_UNDER

    @property
    def is_older_teen(self) -> bool:
        return self.age is not None and self.age > TEEN_OVER

    @property
    def tutor_is_new(self) -> bool:
        return self.tenure_days is not None and self.tenure_days < NEW_UNTIL_DAYS

    @property
    def wants_slow(self) -> bool:
        return self.pace is not None and self.pace <= LOW

    @property
    def wants_fast(self) -> bool:
        return self.pace is not None and self.pace >= HIGH

    @property
    def wants_formal(self) -> bool:
        return self.communication is not None and self.communication <= LOW

    @property
    def wants_casual(self) -> bool:
        return self.communication is not None and self.communication >= HIGH

    @property
    def works_towards_exam(self) -> bool:
        return any(word in self.goals.casefold() for word in _EXAM_WORDS)

    @property
    def is_urgent(self) -> bool:
        return self.urgency is not None and self.urgency >= HIGH
