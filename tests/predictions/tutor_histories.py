"""Random histories of tutors, written to the database the way ingestion keeps them.

Moments lie on a coarse grid whose steps are the window lengths and their neighbours, so that ties and facts exactly on
the edge of a window are common.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from django.db import connection
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from apps.predictions.datasets import load_frames
from apps.predictions.ml.windows import TutorFacts
from apps.predictions.moments import to_microseconds
from apps.sessions.models import Feedback, Reschedule, TutorEvent, TutoringSession
from apps.tutors.models import StaleTutor
from tests.factories import NOON, StudentFactory, TutorFactory

START = NOON - timedelta(days=120)
DAYS = (0, 1, 2, 20, 29, 30, 31, 60, 88, 89, 90, 91, 92, 110, 111, 112, 113, 114, 118, 119, 120)
LAST = len(DAYS) - 1
WINDOWS = (7, 30, 90, 0)
ENDS = ("completed", "completed", "completed", "rescheduled", "cancelled", "no_show_tutor", "no_show_student")

slots = st.integers(0, LAST)
later = st.sampled_from((0, 0, 0, 1, 2, 5))
tutors = st.integers(0, 1)
places = st.integers(0, 11)  # which of the sessions so far, modulo their number

bookings = st.tuples(st.just("book"), tutors, st.integers(0, 1), slots)
endings = st.tuples(
    st.just("end"),
    places,
    st.sampled_from(ENDS),
    later,
    st.fixed_dictionaries({
        "late": st.sampled_from((None, -60, 0, 300, 301, 1200)),
        "early": st.sampled_from((None, 0, 600, 601)),
        "engagement": st.sampled_from((None, 0, 33.3, 100)),
        "objectives_met": st.sampled_from((None, True, False)),
    }),
)  # fmt: skip
requests = st.tuples(
    st.just("move"),
    places,
    st.sampled_from(("tutor", "tutor", "student", "unknown")),
    st.sampled_from((0, 1, 3)),
    later,
)
ratings = st.tuples(st.just("rate"), places, st.integers(1, 5), later, later)
events = st.tuples(
    st.just("event"),
    tutors,
    st.sampled_from(("leave_start", "leave_start", "leave_end", "message_response")),
    slots,
    later,
)
facts = st.one_of(endings, endings, requests, requests, ratings, events, bookings)
histories = st.tuples(
    st.lists(bookings, min_size=3, max_size=6),
    st.lists(endings, min_size=3, max_size=8),
    st.lists(facts, min_size=4, max_size=16),
).map(lambda parts: [fact for part in parts for fact in part])


def at(slot: int):
    return START + timedelta(days=DAYS[min(max(slot, 0), LAST)])


def drawn(count: int, number: int) -> list[list[tuple]]:
    """``count`` histories, the same for the same ``number``."""
    found: list[list[tuple]] = []

    @seed(number)
    @settings(max_examples=count, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(histories)
    def keep(history):
        found.append(history)

    keep()
    return found


class Writer:
    """Applies facts one after the other; a second ending, request or rating of a session corrects the first."""

    def __init__(self, partner, number: int = 0) -> None:
        self.partner, self.number = partner, number
        self.tutors = [TutorFactory(partner=self.partner) for _ in range(2)]
        self.students = [StudentFactory(partner=self.partner) for _ in range(2)]
        self.sessions: list[TutoringSession] = []

    def write(self, fact: tuple) -> None:
        kind, *words = fact
        if kind in ("end", "move", "rate") and not self.sessions:
            return
        getattr(self, f"_{kind}")(*words)

    def _book(self, tutor, student, slot):
        end, place = at(slot), len(self.sessions)
        self.sessions.append(
            TutoringSession.objects.create(
                partner=self.partner, external_id=f"x{self.number}-{7 * place % 12}-{place}",
                tutor=self.tutors[tutor], student=self.students[student], status="scheduled",
                scheduled_start=end - timedelta(hours=1), booked_at=START, first_known_at=START, recorded_at=START,
            )
        )  # fmt: skip

    def _end(self, place, status, delay, measured):
        session = self.sessions[place % len(self.sessions)]
        end = session.scheduled_start + timedelta(hours=1)
        known = self._after(end, delay)
        if session.status != "scheduled":
            if known <= session.recorded_at:
                return
            self._keep(session, "sessions", known)
        session.status, session.recorded_at = status, known
        session.engagement, session.objectives_met = measured["engagement"], measured["objectives_met"]
        late, early = measured["late"], measured["early"]
        session.actual_start = None if late is None else session.scheduled_start + timedelta(seconds=late)
        session.actual_end = None if early is None else end - timedelta(seconds=early)
        session.save()
        self._mark(session.tutor)

    def _move(self, place, initiator, ahead, delay):
        session = self.sessions[place % len(self.sessions)]
        requested = session.scheduled_start - timedelta(hours=[2, 24, 72][ahead % 3]) + timedelta(hours=ahead % 2)
        known = self._after(requested, delay)
        former = Reschedule.objects.filter(session=session, requested_at=requested).first()
        if former and known <= former.recorded_at:
            return
        if former:
            self._keep(former, "reschedules", known)
            Reschedule.objects.filter(pk=former.pk).update(initiator=initiator, recorded_at=known)
        else:
            Reschedule.objects.create(session=session, initiator=initiator, requested_at=requested, recorded_at=known)
        self._mark(session.tutor)

    def _rate(self, place, rating, submitted_later, delay):
        session = self.sessions[place % len(self.sessions)]
        submitted = self._after(session.scheduled_start + timedelta(hours=1), submitted_later)
        known = self._after(submitted, delay)
        former = Feedback.objects.filter(session=session).first()
        if former and known <= former.recorded_at:
            return
        if former:
            self._keep(former, "feedback", known)
            Feedback.objects.filter(pk=former.pk).update(rating=rating, submitted_at=submitted, recorded_at=known)
        else:
            Feedback.objects.create(session=session, rating=rating, submitted_at=submitted, recorded_at=known)
        self._mark(session.tutor)

    def _event(self, tutor, kind, slot, delay):
        value = 12.5 if kind == "message_response" else None
        TutorEvent.objects.get_or_create(
            tutor=self.tutors[tutor], kind=kind, occurred_at=at(slot) - timedelta(hours=1),
            defaults={"value": value, "recorded_at": self._after(at(slot), delay)},
        )  # fmt: skip
        self._mark(self.tutors[tutor])

    def _after(self, moment, steps):
        """``steps`` grid points later; 0 is the moment itself."""
        coming = [at(slot) for slot in range(len(DAYS)) if at(slot) > moment]
        return moment if not steps else (coming[min(steps, len(coming)) - 1] if coming else moment)

    def _keep(self, fact, entity, superseded_at):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO tutoring_sessions_factrevision"
                " (partner_id, entity, fact_id, state, recorded_at, superseded_at)"
                f" SELECT %s, %s, id, to_jsonb(t), recorded_at, %s FROM {fact._meta.db_table} t WHERE id = %s",
                [self.partner.pk, entity, superseded_at, fact.pk],
            )

    def _mark(self, tutor):
        StaleTutor.objects.create(tutor=tutor, reason="test")


def counted_by_oracle(sql: str, moment, days: int) -> dict[tuple[int, str], float]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"at": moment, "days": days or None})
        return {(tutor, name): value for tutor, name, value in cursor.fetchall() if value}


def counted_by_product(partner, tutor_ids: list[int], moment) -> dict[int, dict[tuple[int, str], float]]:
    """{days: {(tutor, sum): value}} without zeros, as the oracle gives it."""
    facts = TutorFacts.of(load_frames(partner_ids=[partner.pk], tutor_ids=tutor_ids))
    ids = np.array(tutor_ids, dtype=np.int64)
    sums = facts.sums(ids, np.full(len(ids), to_microseconds(moment)), WINDOWS)
    found: dict[int, dict[tuple[int, str], float]] = {}
    for days in WINDOWS:
        suffix = f"_{days}d" if days else "_all"
        names = [name for name in sums.columns if name.endswith(suffix)]
        found[days] = {
            (tutor, name.removesuffix(suffix)): value
            for name in names
            for tutor, value in zip(tutor_ids, sums[name].tolist(), strict=True)
            if value
        }
    return found
