"""When staff must know: what each rule sees, and how alerts open, get worse and clear. Plain Python.

A detector looks at one condition and says that it fires, holds or clears. Between firing and clearing lies a gap
(hysteresis), so that a figure that trembles around a limit does not open an alert every hour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from apps.predictions.ml.score import is_reschedule_alert
from apps.predictions.ml.targets import CRITICAL, HIGH, LOW, TARGETS

MEDIUM_URGENCY, HIGH_URGENCY, CRITICAL_URGENCY = "medium", "high", "critical"
_SEVERITY = {MEDIUM_URGENCY: 0, HIGH_URGENCY: 1, CRITICAL_URGENCY: 2}

RESCHEDULE_CLEARS_BELOW = 0.7
"""P(rate over the limit) under which an open reschedule alert clears; it opens above the 0.9 of ``ml.metrics``."""

COOL_DOWN = timedelta(days=7)
OUTAGE_COOL_DOWN = timedelta(hours=4)

RESCHEDULE_DUE = timedelta(days=5)
CALL_BEFORE_START = timedelta(hours=2)


@dataclass(frozen=True)
class Rule:
    """``gone`` is the resolution when the condition no longer exists at all.

    ``cool_down``: how long the same condition stays quiet after staff resolved it.
    """

    name: str
    words: str
    gone: str
    cool_down: timedelta = COOL_DOWN


RESCHEDULES = Rule("reschedule_rate", "Moves many sessions", "The tutor is no longer scored.")
FIRST_SESSION = Rule(
    "first_session_at_risk", "First session at risk", "The session has started, or was moved or cancelled."
)
CANNOT_MAKE_IT = Rule("cannot_make_it", "Tutor can’t make it", "The session has started, or was moved or cancelled.")
MAIL_TROUBLE = Rule("mail_trouble", "Mails in trouble", "No mail is left in this state.", OUTAGE_COOL_DOWN)
ROUND_FAILED = Rule("round_failed", "Hourly round failed", "The hourly round works again.", OUTAGE_COOL_DOWN)

RULES: dict[str, Rule] = {
    rule.name: rule for rule in (RESCHEDULES, FIRST_SESSION, CANNOT_MAKE_IT, MAIL_TROUBLE, ROUND_FAILED)
}


class Verdict(StrEnum):
    FIRES = "fires"
    HOLDS = "holds"
    CLEARS = "clears"


@dataclass(frozen=True)
class Finding:
    """One condition in words for staff: what, why, what to do, until when."""

    rule: str
    condition: str
    urgency: str
    title: str
    reason: str
    next_step: str
    due_at: datetime | None
    tutor_id: int | None = None
    session_id: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Signal:
    """What a detector says about one condition now; ``cleared`` says why where it clears."""

    finding: Finding
    verdict: Verdict
    cleared: str = ""


@dataclass(frozen=True)
class Standing:
    """An open alert as it stands."""

    urgency: str
    reason: str
    snoozed_until: datetime | None = None


class Change(StrEnum):
    OPEN = "open"
    WORSEN = "worsen"
    WAKE = "wake"
    REFRESH = "refresh"
    RESOLVE = "resolve"


@dataclass(frozen=True)
class Transition:
    """What is to happen to the alert of ``condition``; ``finding`` is empty for one that is resolved or woken."""

    change: Change
    condition: str
    finding: Finding | None = None
    resolution: str = ""


def transitions(
    rule: Rule,
    signals: Iterable[Signal],
    standing: Mapping[str, Standing],
    quieted: Mapping[str, datetime],
    *,
    now: datetime,
) -> list[Transition]:
    """What ``rule`` changes: its ``signals`` against its open alerts (``standing``, by condition).

    ``quieted`` says when staff last resolved a condition. An open alert whose condition sends no signal any more is
    resolved as gone.
    """
    said = {signal.finding.condition: signal for signal in signals}
    out = [
        Transition(Change.RESOLVE, condition, resolution=rule.gone) for condition in standing if condition not in said
    ]
    for condition, signal in said.items():
        alert = standing.get(condition)
        if alert is None:
            quiet = condition in quieted and now < quieted[condition] + rule.cool_down
            if signal.verdict is Verdict.FIRES and not quiet:
                out.append(Transition(Change.OPEN, condition, signal.finding))
        elif signal.verdict is Verdict.CLEARS:
            out.append(Transition(Change.RESOLVE, condition, resolution=signal.cleared))
        else:
            out += _going_on(condition, signal.finding, alert, now)
    return out


def _going_on(condition: str, finding: Finding, alert: Standing, now: datetime) -> list[Transition]:
    if _SEVERITY[finding.urgency] > _SEVERITY[alert.urgency]:
        return [Transition(Change.WORSEN, condition, finding)]
    out = []
    if alert.snoozed_until is not None and alert.snoozed_until <= now:
        out.append(Transition(Change.WAKE, condition))
    if finding.reason != alert.reason:
        out.append(Transition(Change.REFRESH, condition, finding))
    return out


# Detectors ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moves:
    """A tutor's moves in 90 days: ``moved`` of ``n`` resolved sessions, the rate's 90 % interval, P(rate > limit)."""

    tutor_id: int
    tutor: str
    probability: float | None
    moved: int
    n: int
    low: float
    high: float


def reschedule_rate(moves: Moves, *, now: datetime) -> Signal:
    """Fires above the posterior limit of the score, clears well below it or when too few sessions are left to say."""
    share = round(100 * moves.moved / moves.n) if moves.n else 0
    finding = Finding(
        rule=RESCHEDULES.name,
        condition=f"{RESCHEDULES.name}:{moves.tutor_id}",
        urgency=HIGH_URGENCY,
        title=f"{moves.tutor} moves many sessions",
        reason=f"{moves.moved} of {moves.n} sessions moved by the tutor in 90 days: {share} %, "
        f"likely {round(100 * moves.low)} to {round(100 * moves.high)} %.",
        next_step="Ask which hours no longer work, and change the calendar.",
        due_at=now + RESCHEDULE_DUE,
        tutor_id=moves.tutor_id,
        evidence={"moved": moves.moved, "n": moves.n, "probability": moves.probability},
    )
    if is_reschedule_alert(moves.probability):
        return Signal(finding, Verdict.FIRES)
    if moves.probability is None:
        return Signal(finding, Verdict.CLEARS, "Too few sessions in 90 days to say.")
    if moves.probability < RESCHEDULE_CLEARS_BELOW:
        return Signal(finding, Verdict.CLEARS, f"Now {moves.moved} of {moves.n} sessions moved in 90 days.")
    return Signal(finding, Verdict.HOLDS)


@dataclass(frozen=True)
class FirstSessionRisk:
    """The latest answer about a first session that is still to start."""

    session_id: int
    tutor_id: int
    tutor: str
    student: str
    start: datetime
    level: str
    probability: float
    usual: float | None
    why: str


def first_session_at_risk(risk: FirstSessionRisk) -> Signal:
    """Fires at HIGH and CRITICAL, holds at MEDIUM, clears at LOW. It is due two hours before the start."""
    usual = "" if risk.usual is None else f" Usual: {round(100 * risk.usual)}."
    sentence = TARGETS["first_session_poor"].sentence
    finding = Finding(
        rule=FIRST_SESSION.name,
        condition=f"{FIRST_SESSION.name}:{risk.session_id}",
        urgency=CRITICAL_URGENCY if risk.level == CRITICAL else HIGH_URGENCY,
        title=f"First session of {risk.tutor} with {risk.student}",
        reason=f"{round(100 * risk.probability)} of 100 {sentence}.{usual} {risk.why}".strip(),
        next_step="Call the tutor and agree how the hour begins.",
        due_at=risk.start - CALL_BEFORE_START,
        tutor_id=risk.tutor_id,
        session_id=risk.session_id,
        evidence={"probability": round(risk.probability, 4), "level": risk.level},
    )
    if risk.level in (HIGH, CRITICAL):
        return Signal(finding, Verdict.FIRES)
    if risk.level == LOW:
        return Signal(finding, Verdict.CLEARS, "The risk is low now.")
    return Signal(finding, Verdict.HOLDS)


def cannot_make_it(*, session_id: int, tutor_id: int, tutor: str, start: datetime) -> Finding:
    """A tutor said so through the link of a mail; nothing is cancelled by that."""
    return Finding(
        rule=CANNOT_MAKE_IT.name,
        condition=f"{CANNOT_MAKE_IT.name}:{session_id}",
        urgency=CRITICAL_URGENCY,
        title=f"{tutor} can’t make it",
        reason="The tutor said so through the preparation mail. The session still stands.",
        next_step="Call the tutor, then move the session or find someone else.",
        due_at=start,
        tutor_id=tutor_id,
        session_id=session_id,
    )


def still_cannot_make_it(finding: Finding) -> Signal:
    """Holds while the session still stands; opened by the reply, it ends with the session."""
    return Signal(finding, Verdict.HOLDS)


@dataclass(frozen=True)
class StuckMails:
    """Mails of one kind of trouble: ``dead`` (given up) or ``uncertain`` (may or may not have arrived)."""

    state: str
    count: int
    last_error: str


_TROUBLE = {
    "dead": ("could not be sent", "Mend the cause, then send them again from the outbox."),
    "uncertain": ("may or may not have arrived", "Ask the mail provider, then mark them as sent or send again."),
}


def mail_trouble(stuck: StuckMails, *, now: datetime) -> Signal:
    """Fires while any mail is in this state; one alert for all of them, so that an outage is one line."""
    what, step = _TROUBLE[stuck.state]
    mails = "1 mail" if stuck.count == 1 else f"{stuck.count} mails"
    finding = Finding(
        rule=MAIL_TROUBLE.name,
        condition=f"{MAIL_TROUBLE.name}:{stuck.state}",
        urgency=HIGH_URGENCY,
        title=f"{mails} {what}",
        reason=f"Last error: {stuck.last_error}"[:300] if stuck.last_error else f"{mails} {what}.",
        next_step=step,
        due_at=now + CALL_BEFORE_START,
        evidence={"count": stuck.count},
    )
    return Signal(finding, Verdict.FIRES if stuck.count else Verdict.CLEARS, MAIL_TROUBLE.gone)


def round_failed(*, error: str, now: datetime) -> Signal:
    """Fires when predictions, deliveries or rules of an hour could not be worked out."""
    finding = Finding(
        rule=ROUND_FAILED.name,
        condition=ROUND_FAILED.name,
        urgency=CRITICAL_URGENCY,
        title="The hourly round failed",
        reason=f"Risks and mails are as old as the last round. {error}"[:300],
        next_step="Tell whoever runs the system; the log of the worker says where it failed.",
        due_at=now + CALL_BEFORE_START,
    )
    return Signal(finding, Verdict.FIRES)
