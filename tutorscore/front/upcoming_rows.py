"""Rows of the list of coming sessions: four odds beside their usual rates, the main reason, what was done so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from django.utils import timezone

from apps.alerts.models import Delivery
from apps.alerts.session_selectors import Done, done_about
from apps.predictions.ml.targets import TARGETS
from apps.predictions.models import ModelVersion
from apps.predictions.risk_selectors import latest_by_session
from apps.sessions.models import TutoringSession
from tutorscore.front.formats import clock, mid, relative_day, stamp
from tutorscore.front.risks import SHORT_WORDS, Risk, in_order, worst

PARTS_OF_DAY = ((12, "morning"), (17, "afternoon"), (24, "evening"))

_MAIL_WORDS = {
    Delivery.State.SENT: "Mail sent",
    Delivery.State.DEAD: "Mail could not be sent",
    Delivery.State.UNCERTAIN: "Mail may not have arrived",
    Delivery.State.EXPIRED: "Too late for a mail",
    Delivery.State.CANCELLED: "Mail cancelled",
    Delivery.State.SUPPRESSED: "Wants no mails",
}


class Question(NamedTuple):
    """A column of odds; ``usual`` is the champion's base rate, where it stated one."""

    target: str
    words: str
    usual: float | None


@dataclass(frozen=True)
class UpcomingRow:
    """``risks`` stands in the order of the questions; None where the question does not apply or was not asked yet."""

    session: TutoringSession
    worst: Risk | None
    risks: list[Risk | None]
    mail: str
    alert: str


class PartOfDay(NamedTuple):
    words: str
    rows: list[UpcomingRow]


def questions(champions: dict[str, ModelVersion], shown: Iterable[Risk | None]) -> list[Question]:
    """One column per target that has a champion."""
    usual = {risk.prediction.target: risk.usual for risk in shown if risk}
    return [Question(name, SHORT_WORDS[name].capitalize(), usual.get(name)) for name in TARGETS if name in champions]


def upcoming_rows(sessions: Sequence[TutoringSession], targets: Sequence[str], now: datetime) -> list[UpcomingRow]:
    """Three queries however many sessions there are."""
    ids = [session.pk for session in sessions]
    risks, done = latest_by_session(ids), done_about(ids)
    rows = []
    for session in sessions:
        found = {risk.prediction.target: risk for risk in in_order(risks.get(session.pk, {}))}
        said = done.get(session.pk, Done())
        rows.append(
            UpcomingRow(
                session=session,
                worst=worst(found.values()),
                risks=[found.get(target) for target in targets],
                mail=_mail_words(said.mail, now),
                alert=_alert_words(said),
            )
        )
    return rows


def by_part_of_day(rows: Sequence[UpcomingRow], now: datetime) -> list[PartOfDay]:
    """Rows in order of start, under "Today, afternoon" and the like."""
    groups = groupby(rows, key=lambda row: _part_of_day(row.session.scheduled_start, now))
    return [PartOfDay(words, list(found)) for words, found in groups]


def _part_of_day(start: datetime, now: datetime) -> str:
    hour = timezone.localtime(start).hour
    part = next(words for before, words in PARTS_OF_DAY if hour < before)
    return f"{relative_day(start, now)}, {part}"


def _mail_words(mail: Delivery | None, now: datetime) -> str:
    if mail is None:
        return ""
    if mail.state in _MAIL_WORDS:
        return _MAIL_WORDS[Delivery.State(mail.state)]
    due = mid(stamp(mail.next_attempt_at or mail.not_before, now))
    return f"Mail due {due.removeprefix('today ')}"


def _alert_words(said: Done) -> str:
    if said.alert is None:
        return ""
    if said.alert.owner is None:
        return "alert open, no owner"
    owner = said.alert.owner
    since = f" since {clock(said.alert.acknowledged_at)}" if said.alert.acknowledged_at else ""
    return f"{owner.get_full_name() or owner.username}{since}"
