"""What stands before the first booking: preset, people, pairs, weekly states; and the probabilities they imply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit

from tutorscore.simulation import risk
from tutorscore.simulation.clock import WEEK, Array, Calendar
from tutorscore.simulation.people import Columns
from tutorscore.simulation.presets import Preset

POLICY_STEP_WEEK: Final = 36


@dataclass(frozen=True, slots=True)
class Setting:
    """People and circumstances of a world; ``drift`` is one of ``presets.DRIFTS``, ``mail_effect`` in [0, 1]."""

    preset: Preset
    drift: str
    mail_effect: float
    calendar: Calendar
    tutors: Columns
    students: Columns
    pairs: Columns
    weekly: Columns

    @property
    def policy_step_at(self) -> int:
        """Moment from which late moves cost a fee; past the end in worlds without that drift."""
        week = POLICY_STEP_WEEK if self.drift == "policy_step" else self.calendar.weeks + 1
        return self.calendar.begin + week * WEEK

    def move_probability(self, pair: Array, start: Array, risks: Columns) -> Array:
        """P(the tutor moves or cancels the session, ever), all latents known."""
        tutor, week = self.pairs["tutor"][pair], self.calendar.week_of(start)
        probability = risk.move_probability(
            self.preset,
            risks["move_shown"],
            risks["collides"],
            self.weekly["unreliability"][tutor, week],
            self.tutors["second_job"][tutor],
            self.weekly["bad_week"][tutor, week],
        )
        return np.where(risks["must_hold"], 0.0, probability)

    def absence_probabilities(self, pair: Array, start: Array, risks: Columns) -> tuple[Array, Array]:
        """(P(student absent | start reached), P(tutor absent | start reached and student there)), all latents known."""
        tutor, week = self.pairs["tutor"][pair], self.calendar.week_of(start)
        flakiness = self.students["flakiness"][self.pairs["student"][pair]]
        student = expit(risks["student_absent_shown"] + self.preset.student_flakiness * flakiness)
        tutor_absent = risk.tutor_absent_probability(
            self.preset, self.weekly["unreliability"][tutor, week], self.weekly["bad_week"][tutor, week]
        )
        may = ~risks["must_hold"]
        return np.where(may, student, 0.0), np.where(may, tutor_absent, 0.0)
