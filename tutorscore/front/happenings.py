"""What became of a session, in words: held and how late, missed, moved by whom."""

from __future__ import annotations

from typing import NamedTuple

from apps.predictions.ml.windows import LATE_SECONDS
from apps.sessions.models import Author, Initiator, Status, TutoringSession
from tutorscore.front.formats import span

_PLAIN = {
    Status.NO_SHOW_STUDENT: "student did not turn up",
    Status.IN_PROGRESS: "under way",
    Status.SCHEDULED: "no outcome reported yet",
}
_BY = {
    Initiator.TUTOR: "by the tutor",
    Initiator.STUDENT: "by the student",
    Initiator.SYSTEM: "by the system",
    Initiator.UNKNOWN: "nobody said by whom",
}


class Happened(NamedTuple):
    """``is_bad`` marks what counts against the tutor."""

    session: TutoringSession
    words: str
    is_bad: bool
    rating: int | None


def happened(session: TutoringSession) -> Happened:
    """The session comes with its feedback and reschedules prefetched."""
    rating = next((said.rating for said in session.feedback.all() if said.author == Author.STUDENT), None)
    words, is_bad = _words(session)
    return Happened(session, words, is_bad, rating)


def _words(session: TutoringSession) -> tuple[str, bool]:
    status = Status(session.status)
    if status == Status.COMPLETED:
        return _held(session)
    if status == Status.NO_SHOW_TUTOR:
        return "tutor did not turn up", True
    if status in (Status.RESCHEDULED, Status.CANCELLED):
        return _moved(session, "moved" if status == Status.RESCHEDULED else "cancelled")
    return _PLAIN[status], False


def _held(session: TutoringSession) -> tuple[str, bool]:
    began = session.tutor_joined_at or session.actual_start
    if began is None:
        return "held", False
    late = (began - session.scheduled_start).total_seconds()
    if late > LATE_SECONDS:
        return f"held, {int(late // 60)} min late", True
    return "held, on time", False


def _moved(session: TutoringSession, word: str) -> tuple[str, bool]:
    moves = sorted(session.reschedules.all(), key=lambda move: move.requested_at)
    if not moves:
        return word, False
    last = moves[-1]
    initiator = Initiator(last.initiator)
    ahead = span(session.scheduled_start - last.requested_at)
    return f"{word} {_BY[initiator]}, {ahead} ahead", initiator == Initiator.TUTOR
