"""What a feature is: a named column with words, a unit, a source and a place among the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Group:
    """Features that make one reason together. ``shown``: a reader can act on it and should see it.

    ``tutor_may_see`` is stricter: preparation mails say nothing about rank, score or a student's past.
    """

    words: str
    shown: bool = True
    tutor_may_see: bool = False


GROUPS: dict[str, Group] = {
    "moves": Group("Sessions the tutor moved"),
    "no_shows": Group("Sessions missed by the tutor"),
    "ratings": Group("What students said", tutor_may_see=True),
    "first_sessions": Group("First sessions so far", tutor_may_see=True),
    "punctuality": Group("Starting and ending on time", tutor_may_see=True),
    "engagement": Group("Engagement in sessions", tutor_may_see=True),
    "experience": Group("Experience with us", tutor_may_see=True),
    "subject": Group("This subject", tutor_may_see=True),
    "load": Group("The tutor's day and week", tutor_may_see=True),
    "timing": Group("Time of day and week", tutor_may_see=True),
    "booking": Group("How it was booked"),
    "match": Group("Fit of tutor and student", tutor_may_see=True),
    "pair": Group("This tutor and this student so far"),
    "student_attendance": Group("The student's attendance"),
    "student_needs": Group("What the student asked for", tutor_may_see=True),
    "student_ratings": Group("How this student rates", shown=False),
    "season": Group("Time of the year", shown=False),
    "base": Group("Kind of session and time left", shown=False),
}

Kind = Literal["number", "flag", "category"]


@dataclass(frozen=True)
class Feature:
    """One column of the feature table.

    ``higher`` says what a higher value means. ``signs`` holds the direction of risk (+1, -1) per target where it is
    known for sure: boosted trees may not contradict it. ``learned`` False marks columns kept only as evidence for
    words. Missing values are NaN.
    """

    name: str
    words: str
    unit: str
    source: str
    group: str
    higher: str = ""
    kind: Kind = "number"
    signs: Mapping[str, int] = field(default_factory=dict)
    learned: bool = True

    @property
    def shown(self) -> bool:
        return GROUPS[self.group].shown
