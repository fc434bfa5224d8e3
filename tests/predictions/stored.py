"""An invented world as rows: what ``tests.ml.world`` builds in memory, stored as facts of one partner."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from apps.predictions.ml.frames import NEVER, Frames, Initiator, Status
from apps.predictions.moments import to_datetime
from apps.sessions.models import Feedback, Reschedule, Student, TutoringSession
from apps.tutors.models import Subject, Tutor
from tests.factories import PartnerFactory
from tests.ml.world import make_world
from tutorscore.accounts.models import Partner


def store_world(tutors: int = 12, sessions: int = 1_500, seed: int = 0, days: int = 360, **partner) -> Partner:
    """A partner with the sessions, moves and ratings of ``make_world``, every row as ingestion would have left it."""
    return store(make_world(tutors=tutors, sessions=sessions, seed=seed, days=days), **partner)


def store(frames: Frames, **attributes) -> Partner:
    partner = PartnerFactory(**{"trains_models": True} | attributes)
    book = frames.sessions
    made = {
        "subject": _named(Subject, partner, np.unique(book.subject_id), "name"),
        "tutor": _named(Tutor, partner, np.unique(book.tutor_id), "external_id"),
        "student": _named(Student, partner, np.unique(book.student_id), "external_id"),
    }
    ends = frames.outcomes.set_index("session_id")
    rows = TutoringSession.objects.bulk_create(
        _session(partner, row, ends.loc[row.session_id], made) for row in book.itertuples()
    )
    by_id = dict(zip(book.session_id, rows, strict=True))
    Reschedule.objects.bulk_create(
        Reschedule(
            session=by_id[move.session_id],
            initiator=Initiator(move.initiator).name.lower(),
            requested_at=to_datetime(move.requested_at),
            recorded_at=to_datetime(move.known_from),
        )
        for move in frames.moves.itertuples()
    )
    Feedback.objects.bulk_create(
        Feedback(
            session=by_id[said.session_id],
            rating=int(said.rating),
            submitted_at=to_datetime(said.submitted_at),
            recorded_at=to_datetime(said.known_from),
        )
        for said in frames.ratings.itertuples()
    )
    return partner


def _named(model, partner, numbers, field):
    rows = model.objects.bulk_create(model(partner=partner, **{field: f"{model.__name__}{n}"}) for n in numbers)
    return dict(zip(numbers, rows, strict=True))


def _session(partner, row, end, made) -> TutoringSession:
    start = to_datetime(row.start)
    return TutoringSession(
        partner=partner,
        external_id=f"x{row.session_id:06d}",
        tutor=made["tutor"][row.tutor_id],
        student=made["student"][row.student_id],
        subject=made["subject"][row.subject_id],
        scheduled_start=start,
        duration_minutes=60,
        status=Status(end.status).name.lower(),
        booked_at=to_datetime(row.booked_at) if row.booked_at != NEVER else None,
        first_known_at=to_datetime(row.known_at),
        recorded_at=to_datetime(end.known_from),
        actual_start=start if np.isnan(end.late_seconds) else start + timedelta(seconds=round(end.late_seconds)),
        engagement=None if np.isnan(end.engagement) else end.engagement,
    )
