"""Properties of any batch: every row is accounted for, twice is once, and the order of two versions does not matter."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.sessions.ingest.results import RowOutcome
from apps.sessions.models import RejectedRow, Status, TutoringSession
from tests.factories import PartnerFactory
from tests.sessions.partner_rows import SAID, ends_known_at, facts_of, outcomes, send, session_row

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
PROPERTY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

moments = st.integers(0, 6).map(lambda hours: (FIRST + timedelta(hours=hours)).isoformat())
junk = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=2),
    st.just("x" * 300), st.just("a\0b"), st.just("\ud800"), st.just("2026-03-01T10:00:00"),
)  # fmt: skip
versions = st.fixed_dictionaries(
    {
        "external_id": st.sampled_from(["x1", "x2"]),
        "tutor_id": st.sampled_from(["t1", "t2"]),
        "student_id": st.just("s1"),
        "scheduled_start": st.sampled_from(["2026-03-05T10:00:00Z", "2026-03-06T10:00:00Z"]),
        "status": st.sampled_from(Status.values),
        "recorded_at": moments,
        "duration_minutes": st.sampled_from([None, 45, 60]),
        "subject": st.sampled_from([None, "algebra"]),
        "booked_at": st.sampled_from([None, "2026-02-01T00:00:00Z"]),
        "engagement": st.sampled_from([None, 10, 20]),
    }
)
fuzzed = st.one_of(
    versions,
    st.builds(lambda row, name, value: row | {name: value}, versions, st.sampled_from(sorted(session_row())), junk),
    st.builds(
        lambda row, name: {k: v for k, v in row.items() if k != name}, versions, st.sampled_from(sorted(session_row()))
    ),
    junk,
    st.dictionaries(st.text(max_size=5), junk, max_size=3),
)


class UndoError(Exception):
    """Ends an example: what it wrote is rolled back."""


def in_a_world_of_its_own(example):
    """Runs one example in a transaction that is undone, so that examples do not see each other."""
    try:
        with transaction.atomic():
            example(PartnerFactory())
            raise UndoError
    except UndoError:
        return


@PROPERTY
@given(st.lists(fuzzed, max_size=8))
def test_outcomes_add_up_to_the_rows_received(rows):
    def example(partner):
        results = send(partner, "sessions", *rows)
        assert [result.line for result in results] == list(range(1, len(rows) + 1))
        counted = Counter(outcomes(results))
        assert set(counted) <= set(RowOutcome.values)
        refused = counted["rejected"] + counted["conflict"]
        assert RejectedRow.objects.of_partner(partner).count() == refused
        ids = {row["external_id"] for row, result in zip(rows, results, strict=True) if result.outcome == "created"}
        assert set(TutoringSession.objects.of_partner(partner).values_list("external_id", flat=True)) == ids
        latest = TutoringSession.objects.of_partner(partner).filter(is_latest=True)
        assert latest.count() == len(ids)

    in_a_world_of_its_own(example)


@PROPERTY
@given(st.lists(fuzzed, max_size=8))
def test_twice_is_once(rows):
    def example(partner):
        first = send(partner, "sessions", *rows)
        before = facts_of(partner)
        again = send(partner, "sessions", *rows)
        assert facts_of(partner) == before
        for one, two in zip(first, again, strict=True):
            assert two.outcome == ("unchanged" if one.outcome not in ("rejected", "conflict") else one.outcome)

    in_a_world_of_its_own(example)


@PROPERTY
@given(versions, versions, st.booleans())
def test_what_was_known_when_does_not_depend_on_the_order_of_two_versions(one, two, together):
    two = two | {"external_id": one["external_id"]}

    def example(partner):
        known = []
        for rows in ((one, two), (two, one)):
            with transaction.atomic():
                if together:
                    results = send(partner, "sessions", *rows)
                else:
                    results = [result for row in rows for result in send(partner, "sessions", row)]
                facts = facts_of(partner)
                transaction.set_rollback(True)
            if "conflict" in outcomes(results):
                assert one["recorded_at"] == two["recorded_at"]
                return
            ends = [ends_known_at(facts, FIRST + timedelta(minutes=30 * step)) for step in range(16)]
            latest = [{name: row[name] for name in SAID} for row in facts["TutoringSession"] if row["is_latest"]]
            starts = [(row["scheduled_start"], row["occurrence"]) for row in facts["TutoringSession"]]
            known.append((ends, latest, sorted(starts), facts["Reschedule"]))
        assert known[0] == known[1]

    in_a_world_of_its_own(example)
