"""Every tip there is. A tip says what to do, kindly and concretely; never why this tutor got it, never a risk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from apps.alerts.tips.situation import Family, Situation


class Moment(IntEnum):
    """Where in the hour a tip belongs; a mail tells them in this order."""

    BEFORE = 1
    FIRST_WORDS = 2
    FIRST_TASK = 3
    ON_THE_WAY = 4
    TONE = 5
    ENDING = 6


ROOM: dict[Moment, int] = {moment: 2 if moment in (Moment.BEFORE, Moment.ON_THE_WAY) else 1 for moment in Moment}
"""How many tips of a moment one mail may hold: two ways to open an hour would contradict each other."""


@dataclass(frozen=True)
class Tip:
    """``{name}`` stands for the student's first name.

    ``groups`` are the groups of reasons it answers. ``fits`` says for which sessions it is right; none: for all.
    ``volunteers`` marks tips worth a place for the situation alone, without a reason of the prediction.
    """

    key: str
    moment: Moment
    title: str
    text: str
    groups: tuple[str, ...] = ()
    fits: Callable[[Situation], bool] | None = None
    volunteers: bool = True


WISHES = ("match", "student_needs")

CATALOGUE: tuple[Tip, ...] = (
    # What the student asked for
    Tip(
        "slow_pace",
        Moment.FIRST_TASK,
        "Start with one {name} can solve.",
        "{name} likes to take it slowly. Something familiar sets the pace better than a test.",
        WISHES,
        lambda at: at.wants_slow,
    ),
    Tip(
        "show_the_plan",
        Moment.ON_THE_WAY,
        "Show the plan.",
        "{name} likes to know where an hour is going. Three steps on the board, ticked off as you go, are enough.",
        WISHES,
        lambda at: at.teaching_style == "structured",
    ),
    Tip(
        "offer_a_choice",
        Moment.ON_THE_WAY,
        "Offer a choice.",
        "{name} likes to shape the hour. Bring two ways in and let {name} pick one.",
        WISHES,
        lambda at: at.teaching_style == "flexible",
    ),
    Tip(
        "let_them_try",
        Moment.ON_THE_WAY,
        "Hand over the pen early.",
        "{name} learns by doing. Explain for three minutes at most, then let {name} try and think aloud.",
        WISHES,
        lambda at: at.teaching_style == "interactive",
    ),
    Tip(
        "explain_then_practise",
        Moment.ON_THE_WAY,
        "Explain first, then practise.",
        "{name} prefers a clear explanation and one worked example, then three of the same kind alone.",
        WISHES,
        lambda at: at.teaching_style == "traditional",
    ),
    Tip(
        "bring_something_new",
        Moment.ON_THE_WAY,
        "Bring something to look at.",
        "{name} enjoys newer ways of learning: a short clip, a simulation or a shared board.",
        WISHES,
        lambda at: at.teaching_style == "modern",
    ),
    Tip(
        "exam_questions",
        Moment.BEFORE,
        "Have two old exam questions at hand.",
        "{name} is working towards an exam. Solving one together shows what to practise first.",
        ("student_needs",),
        lambda at: at.works_towards_exam,
    ),
    Tip(
        "fast_pace",
        Moment.BEFORE,
        "Have a harder task in reserve.",
        "{name} likes a quick pace. Skip what is already clear and move on sooner than usual.",
        WISHES,
        lambda at: at.wants_fast,
    ),
    Tip(
        "explain_tutoring",
        Moment.FIRST_WORDS,
        "Say how an hour with you works.",
        "Tutoring is new to {name}. One minute on what happens, and that every question is welcome, calms the nerves.",
        ("student_needs",),
        lambda at: at.is_new_to_tutoring,
    ),
    Tip(
        "what_is_urgent",
        Moment.FIRST_WORDS,
        "Ask what is needed soonest.",
        "{name} has something coming up. Deal with that first, so that the hour pays off at once.",
        ("student_needs",),
        lambda at: at.is_urgent and not at.works_towards_exam,
    ),
    Tip(
        "relaxed_tone",
        Moment.TONE,
        "Keep the tone relaxed.",
        "{name} prefers an easy way of talking. A little humour helps a first hour along.",
        ("match",),
        lambda at: at.wants_casual,
    ),
    Tip(
        "calm_tone",
        Moment.TONE,
        "Keep the tone calm and precise.",
        "{name} prefers a more formal way of talking. Full sentences and a clear next step give security.",
        ("match",),
        lambda at: at.wants_formal,
    ),
    # Age, subject, hour, tenure
    Tip(
        "short_steps",
        Moment.ON_THE_WAY,
        "Use short steps and simple words.",
        "At {name}’s age, change the activity every eight to ten minutes and praise every small success.",
        fits=lambda at: at.is_child,
    ),
    Tip(
        "student_sets_goals",
        Moment.FIRST_WORDS,
        "Let {name} set pace and goals.",
        "At this age it helps to be asked: what first, how fast, and how will we know that it worked?",
        fits=lambda at: at.is_older_teen,
    ),
    Tip(
        "diagnostic_problem",
        Moment.FIRST_TASK,
        "Open with one telling problem.",
        "A task with two or three steps shows quickly what {name} can do alone and where to help.",
        ("subject",),
        lambda at: at.family == Family.MATHEMATICS,
    ),
    Tip(
        "let_them_speak",
        Moment.ON_THE_WAY,
        "Let {name} speak most.",
        "Pick a theme {name} likes, and note mistakes for later instead of correcting at once.",
        ("subject",),
        lambda at: at.family == Family.LANGUAGES,
    ),
    Tip(
        "start_from_phenomenon",
        Moment.FIRST_TASK,
        "Start from something you can see.",
        "A picture, a short clip or a kitchen experiment first; the formula afterwards.",
        ("subject",),
        lambda at: at.family == Family.SCIENCES,
    ),
    Tip(
        "ask_for_material",
        Moment.FIRST_TASK,
        "Look at what {name} is working on.",
        "Ask for the last worksheet or page and begin there. It saves guessing the level.",
        ("subject",),
        lambda at: at.family is None,
        volunteers=False,
    ),
    Tip(
        "keep_time_before",
        Moment.BEFORE,
        "Keep five minutes free before you start.",
        "You have a session just before this one. A glass of water and a look at these notes are enough.",
        ("load",),
        lambda at: at.has_session_just_before,
    ),
    Tip(
        "clear_the_day",
        Moment.BEFORE,
        "Put your notes together early in the day.",
        "A sheet with three tasks, ready before your first session, spares you the search in between.",
        ("load",),
        lambda at: not at.has_session_just_before,
        volunteers=False,
    ),
    Tip(
        "materials_and_plan_b",
        Moment.BEFORE,
        "Prepare your materials and a plan B.",
        "Two tasks easier and two harder than you expect let you adjust without stopping.",
        ("experience",),
        lambda at: at.tutor_is_new,
    ),
    Tip(
        "fresh_look",
        Moment.FIRST_TASK,
        "Try one new way to begin.",
        "Choose a question or an example that you have not used before. It keeps the start alive.",
        ("experience",),
        lambda at: not at.tutor_is_new,
        volunteers=False,
    ),
    Tip(
        "energise",
        Moment.FIRST_TASK,
        "Begin with something lively.",
        "At this time of day a two-minute puzzle or a surprising question wakes you both up.",
        ("timing",),
        lambda at: at.is_early_or_late,
    ),
    Tip(
        "short_pause",
        Moment.ON_THE_WAY,
        "Plan a one-minute pause.",
        "Half-way through, stop, stretch and ask what was new so far.",
        ("timing",),
        lambda at: not at.is_early_or_late,
        volunteers=False,
    ),
    # How the hour is held
    Tip(
        "agree_on_goals",
        Moment.FIRST_WORDS,
        "Agree on the goal together.",
        "In the first five minutes, ask {name} what would make this a good hour, and write it where you both see it.",
        ("first_sessions",),
        volunteers=False,
    ),
    Tip(
        "check_understanding",
        Moment.ON_THE_WAY,
        "Check in every ten minutes.",
        "Let {name} explain the last step back to you, and welcome every question. It shows early where to slow down.",
        ("ratings",),
        volunteers=False,
    ),
    Tip(
        "two_interactive_parts",
        Moment.ON_THE_WAY,
        "Plan two parts where {name} does the work.",
        "A short task to solve, and something to sort, draw or say aloud, keep the hour lively for both of you.",
        ("engagement",),
        volunteers=False,
    ),
    Tip(
        "be_early",
        Moment.BEFORE,
        "Open the room five minutes early.",
        "Test sound and board before {name} arrives, and keep the last five minutes free for a calm ending.",
        ("punctuality",),
        volunteers=False,
    ),
    # Good in every first session
    Tip(
        "ice_breaker",
        Moment.FIRST_WORDS,
        "Start with two minutes of small talk.",
        "Ask {name} about something that went well this week, and tell something small about yourself.",
    ),
    Tip(
        "assess_level",
        Moment.FIRST_TASK,
        "Find the level together.",
        "Two or three short questions of rising difficulty show where to begin. Say that it is no test.",
    ),
    Tip(
        "end_with_plan",
        Moment.ENDING,
        "End with a small success and a plan.",
        "Keep the last five minutes: what {name} can do now, what comes next, and when you meet again.",
    ),
)

BEST_PRACTICES: tuple[str, ...] = (
    "say what you can expect of each other",
    "be patient with nerves, yours too",
    "ask at the end what helped",
)
"""Good in every first session; one line of the mail."""
