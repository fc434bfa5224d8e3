"""A backtest takes the one path: it learns nothing from later, asks once, and leaves nothing behind."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.predictions.actions.models import load_version
from apps.predictions.actions.predictions import predict_upcoming
from apps.predictions.backtest import run_backtest
from apps.predictions.models import ModelVersion, Prediction
from apps.predictions.scratch import sweep_scratch_partners
from apps.sessions.models import TutoringSession
from tests.factories import FeedbackFactory, PartnerFactory, SessionFactory
from tests.predictions.stored import store_world
from tutorscore.accounts.models import Partner
from tutorscore.simulation import generate, write_export

UNTIL = datetime(2025, 10, 1, tzinfo=UTC)
AFTERWARDS = datetime(2026, 6, 1, tzinfo=UTC)


def locks_held() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        return cursor.fetchone()[0]


def backtest(source, until, out, told):
    options = f"--target=reschedule --train-until={until} --out={out}".split()
    call_command("backtest", source, *options, stdout=told, stderr=told)


@pytest.fixture
def partner():
    return store_world(sessions=800)


@pytest.mark.django_db
def test_each_later_session_is_asked_once_at_its_decision_time(partner):
    found = run_backtest(partner=partner, target="reschedule", train_until=UNTIL, now=AFTERWARDS)
    sessions = {row.external_id: row for row in TutoringSession.objects.filter(partner=partner)}
    assert len(found.rows) > 100
    assert found.rows["session_id"].is_unique
    for row in found.rows.to_dict("records"):
        session = sessions[row["session_id"]]
        assert row["as_of"] == max(session.booked_at, session.scheduled_start - timedelta(hours=24))
        assert row["as_of"] > UNTIL
    assert set(found.rows["label"].dropna()) == {0.0, 1.0}
    assert found.figures["rows"] == found.rows["label"].notna().sum()


@pytest.mark.django_db
def test_outcomes_after_the_date_change_labels_and_nothing_else(partner):
    """Sessions asked on the first day know nothing of what the others became."""
    before = run_backtest(partner=partner, target="no_show_student", train_until=UNTIL, now=AFTERWARDS).rows
    changed = TutoringSession.objects.filter(partner=partner, recorded_at__gt=before["as_of"].iloc[0])
    changed.filter(status="completed").update(status="no_show_student")
    after = run_backtest(partner=partner, target="no_show_student", train_until=UNTIL, now=AFTERWARDS).rows
    assert after["probability"].iloc[0] == before["probability"].iloc[0]
    assert after["label"].sum() > before["label"].sum()


@pytest.mark.django_db
def test_labels_that_have_not_matured_are_empty(partner):
    found = run_backtest(partner=partner, target="no_show_student", train_until=UNTIL, now=UNTIL + timedelta(days=9))
    ripe = found.rows["as_of"] + timedelta(hours=24 + 1 + 7 * 24) <= UNTIL + timedelta(days=9)
    assert found.rows.loc[~ripe, "label"].isna().all()
    assert found.rows["label"].notna().any()


@pytest.mark.django_db
def test_service_answers_like_the_backtest(partner, make_champion, monkeypatch):
    """The decision that hourly passes wrote, and the answer of a backtest with the same model, bit for bit."""
    champion = make_champion()
    monkeypatch.setattr("apps.predictions.backtest.train", lambda *args, **kwargs: load_version(champion))
    expected = run_backtest(partner=partner, target="reschedule", train_until=UNTIL, now=AFTERWARDS).rows
    for hour in range(0, 24 * 8, 12):
        predict_upcoming(partner=partner, now=UNTIL + timedelta(hours=hour), lookahead_hours=30)
    decided = Prediction.objects.filter(is_decision=True, as_of__gt=UNTIL)
    written = {row.session.external_id: (row.as_of, row.probability) for row in decided.select_related("session")}
    assert len(written) >= 8
    answered = {row["session_id"]: (row["as_of"], row["probability"]) for row in expected.to_dict("records")}
    assert {name: answered[name] for name in written} == written


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    write_export(generate(sessions=1_500, seed=3), folder)
    return folder


@pytest.mark.django_db
def test_export_comes_and_goes(export, tmp_path):
    out, told = tmp_path / "answers.csv", StringIO()
    backtest(str(export), "2026-04-01", out, told)
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["session_id", "as_of", "probability", "label"]
    assert {row["label"] for row in rows} >= {"0", "1"}
    assert all(0 < float(row["probability"]) < 1 and datetime.fromisoformat(row["as_of"]).tzinfo for row in rows)
    assert f"asked {len(rows)}" in told.getvalue()
    assert "ECE" in told.getvalue()
    assert not Partner.objects.exists()
    assert not ModelVersion.objects.exists()
    assert locks_held() == 0


@pytest.mark.django_db
def test_partner_of_the_database_is_left_as_it_was(partner, tmp_path):
    out = tmp_path / "answers.csv"
    backtest(f"db:{partner.slug}", "2025-10-01", out, StringIO())
    assert out.stat().st_size > 1_000
    assert TutoringSession.objects.filter(partner=partner).count() == 800
    assert not Prediction.objects.exists()


@pytest.mark.django_db
def test_unknown_source_is_refused_by_name(tmp_path):
    PartnerFactory(slug="north")
    with pytest.raises(CommandError, match="neither an export nor a partner; partners here: north"):
        backtest("south", "2026-04-01", tmp_path / "answers.csv", StringIO())


@pytest.mark.django_db
def test_partner_left_by_a_killed_process_is_swept():
    left = PartnerFactory(is_scratch=True)
    FeedbackFactory(session=SessionFactory(tutor__partner=left, status="completed"))
    ours = SessionFactory()
    assert sweep_scratch_partners() == 1
    assert list(TutoringSession.objects.all()) == [ours]
    assert list(Partner.objects.all()) == [ours.partner]
    assert locks_held() == 0


@pytest.mark.django_db(transaction=True)
def test_partner_of_a_living_process_is_not_swept():
    living = PartnerFactory(is_scratch=True)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [0x7363_7261, living.pk])
        assert sweep_scratch_partners() == 0
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        assert sweep_scratch_partners() == 1
    finally:
        other.close()
