"""Batches that meet: nothing is lost, nothing is made twice, deadlocks are tried again."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from apps.sessions.models import Student, TutoringSession
from apps.tutors.models import StaleTutor, Tutor
from tests.factories import PartnerFactory
from tests.sessions.partner_rows import held_row, outcomes, send, session_row

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(calls):
    """Runs calls in threads that start together; answers their results."""
    start = Barrier(len(calls))

    def run(call):
        start.wait()
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_the_same_rows_from_eight_senders_are_created_once():
    partner = PartnerFactory()
    rows = [session_row(external_id=f"x{number}", tutor_id=f"t{number % 3}", subject="algebra") for number in range(40)]
    orders = [rows[turn:] + rows[:turn] for turn in range(0, 40, 5)]
    results = at_once([lambda order=order: send(partner, "sessions", *order) for order in orders])
    assert Counter(outcome for result in results for outcome in outcomes(result)) == {"created": 40, "unchanged": 280}
    assert TutoringSession.objects.count() == 40
    assert (Tutor.objects.count(), Student.objects.count()) == (3, 1)
    assert set(StaleTutor.objects.values_list("tutor__external_id", flat=True)) == {"t0", "t1", "t2"}


def test_two_corrections_of_one_session_both_count():
    partner = PartnerFactory()
    send(partner, "sessions", session_row())
    newer = held_row(status="cancelled", recorded_at="2026-03-06T12:00:00Z")
    at_once([lambda: send(partner, "sessions", held_row()), lambda: send(partner, "sessions", newer)])
    assert TutoringSession.objects.get().status == "cancelled"


def test_batches_that_lock_in_opposite_order_both_succeed():
    """Rows that give other fields are applied one shape after the other, so two batches can lock crosswise."""
    partner = PartnerFactory()
    send(partner, "sessions", session_row(external_id="a"), session_row(external_id="b"))

    def crosswise(first, second, hour):
        known = {"recorded_at": f"2026-03-05T{hour:02}:00:00Z"}
        return send(
            partner,
            "sessions",
            held_row(external_id=first, engagement=hour, **known),
            held_row(external_id=second, technical_issue=True, duration_minutes=hour, **known),
        )

    for hour in range(1, 21, 2):
        results = at_once(
            [
                lambda hour=hour: crosswise("a", "b", hour),
                lambda hour=hour: crosswise("b", "a", hour + 1),
            ]
        )
        assert {outcome for result in results for outcome in outcomes(result)} <= {"updated", "stale"}
    a, b = TutoringSession.objects.order_by("external_id")
    assert (a.duration_minutes, b.engagement) == (20, 20)
