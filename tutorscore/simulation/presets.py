"""How strong each influence is in a world: the presets and the kinds of drift.

Weights are in log-odds. ``observable_*`` scales everything a partner's rows show; the other weights belong to latents.
Intercepts were fitted so that every preset has the base rates of docs/simulation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DRIFTS: Final = ("none", "policy_step", "gradual_mix")


@dataclass(frozen=True, slots=True)
class Preset:
    """Weights of one world. A tutor's move and a poor session each mix what rows show with what they hide."""

    move_intercept: float
    observable_move: float
    unreliability: float  # times the tutor's weekly AR(1) state, standard deviation 1
    bad_week: float
    second_job: float  # acts on working-hours sessions of tutors who have one

    poor_intercept: float
    observable_poor: float
    skill: float
    subject_skill: float
    strictness: float
    need: float
    chemistry: float  # what only this pair has; nobody can know it before

    churn_intercept: float
    churn_after_poor: float
    observable_churn: float
    hidden_churn: float

    student_absent_intercept: float
    student_flakiness: float
    observable_student_absent: float
    tutor_absent_intercept: float
    tutor_absent_unreliability: float


PRESETS: Final[dict[str, Preset]] = {
    "realistic": Preset(
        move_intercept=-2.7, observable_move=1.15, unreliability=1.4, bad_week=0.7, second_job=0.5,
        poor_intercept=-3.57, observable_poor=1.3, skill=0.85, subject_skill=0.4, strictness=0.7,
        need=0.45, chemistry=0.5,
        churn_intercept=-1.96, churn_after_poor=2.4, observable_churn=1.0, hidden_churn=0.6,
        student_absent_intercept=-4.41, student_flakiness=0.9, observable_student_absent=1.0,
        tutor_absent_intercept=-4.56, tutor_absent_unreliability=0.8,
    ),
    "easy": Preset(
        move_intercept=-3.05, observable_move=2.9, unreliability=1.1, bad_week=0.6, second_job=0.4,
        poor_intercept=-5.2, observable_poor=3.3, skill=1.1, subject_skill=0.2, strictness=0.3,
        need=0.2, chemistry=0.2,
        churn_intercept=-2.24, churn_after_poor=2.16, observable_churn=2.2, hidden_churn=0.3,
        student_absent_intercept=-4.94, student_flakiness=0.8, observable_student_absent=2.2,
        tutor_absent_intercept=-4.57, tutor_absent_unreliability=0.8,
    ),
    "hard": Preset(
        move_intercept=-2.05, observable_move=0.65, unreliability=0.6, bad_week=0.9, second_job=0.5,
        poor_intercept=-2.62, observable_poor=0.5, skill=0.35, subject_skill=0.25, strictness=0.4,
        need=0.3, chemistry=0.4,
        churn_intercept=-1.84, churn_after_poor=2.42, observable_churn=0.5, hidden_churn=0.6,
        student_absent_intercept=-3.99, student_flakiness=0.5, observable_student_absent=0.5,
        tutor_absent_intercept=-4.4, tutor_absent_unreliability=0.5,
    ),
}  # fmt: skip

POLICY_STEP_LOGIT: Final = -0.7  # a fee on late moves, from the step onwards
BAD_WEEK_SHARE: Final = 0.06
RELIABILITY_RHO: Final = 0.985  # weekly
