"""Training registers whole versions, learns nothing from later facts, and never runs twice at once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction

from apps.predictions.actions import training
from apps.predictions.actions.models import champion, load_champion, promote, promote_first
from apps.predictions.actions.training import TrainingInProgressError, train_target
from apps.predictions.ml.artifacts import ArtifactTamperedError
from apps.predictions.models import ModelVersion, TrainingRun
from tests.factories import NOON, ModelVersionFactory, PartnerFactory
from tests.ml.world import make_world
from tests.predictions.stored import store, store_world

KNOWN_BY = datetime(2025, 8, 1, tzinfo=UTC)


def train(partner, **options):
    return train_target(
        **{"target": "reschedule", "partners": [partner], "known_by": KNOWN_BY, "now": KNOWN_BY} | options
    )


def files(settings, version, names=("model.json", "metrics.json")):
    return [(Path(settings.ARTIFACT_DIR) / version.folder / name).read_bytes() for name in names]


@pytest.mark.django_db
def test_first_version_answers_provisionally_and_the_next_waits():
    partner = store_world(sessions=600)
    first, second = train(partner), train(partner)
    assert (first.version, first.standing, first.is_provisional) == (1, "champion", True)
    assert (second.version, second.standing) == (2, "candidate")
    assert list(first.partners.all()) == [partner]
    assert champion("reschedule") == first
    assert TrainingRun.objects.filter(state="done", model_version=second).count() == 1


@pytest.mark.django_db
def test_stored_version_is_the_one_that_was_trained(settings):
    version = train(store_world(sessions=600))
    registered, model = load_champion("reschedule")
    assert registered == version
    assert version.policy == model.policy.to_dict()
    assert version.metrics["judged_by"] == model.metrics["judged_by"]
    (metadata,) = files(settings, version, ["metadata.json"])
    assert b"stated by the partner" in metadata


@pytest.mark.django_db
def test_facts_known_later_teach_nothing(settings):
    """The same world cut at the date, and whole with everything that came later: byte for byte the same model."""
    world = make_world(tutors=12, sessions=1_500)
    partner = store(world)
    before = train(partner, known_by=KNOWN_BY)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tutoring_sessions_tutoringsession SET status = 'no_show_tutor', engagement = 1,"
            " actual_start = scheduled_start + interval '1 hour' WHERE recorded_at > %s",
            [KNOWN_BY],
        )
        assert cursor.rowcount > 100
        cursor.execute(
            "UPDATE tutoring_sessions_reschedule SET initiator = 'student' WHERE recorded_at > %s", [KNOWN_BY]
        )
        cursor.execute("UPDATE tutoring_sessions_feedback SET rating = 1 WHERE recorded_at > %s", [KNOWN_BY])
    after = train(partner, known_by=KNOWN_BY)
    assert files(settings, after) == files(settings, before)
    later = train(partner, known_by=KNOWN_BY + timedelta(days=60))
    assert files(settings, later) != files(settings, before)


@pytest.mark.django_db
def test_model_replaces_a_rate_but_never_a_model():
    rate = ModelVersionFactory(target="reschedule", version=1, basis="rate")
    model, other = (ModelVersionFactory(target="reschedule", version=n, standing="candidate") for n in (2, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("apps.predictions.actions.models.load_version", lambda version: None)
        assert promote_first(version=model, now=NOON)
        assert not promote_first(version=other, now=NOON)
    rate.refresh_from_db()
    assert rate.standing == "retired"
    assert champion("reschedule") == model


@pytest.mark.django_db
def test_rolling_back_is_promoting_the_former_version():
    partner = store_world(sessions=600)
    first, second = train(partner), train(partner)
    promote(version=second, now=NOON)
    assert champion("reschedule") == second
    promote(version=first, now=NOON)
    assert champion("reschedule") == first
    assert ModelVersion.objects.filter(standing="champion").count() == 1


@pytest.mark.django_db
def test_version_with_changed_files_cannot_be_promoted(settings):
    partner = store_world(sessions=600)
    first, second = train(partner), train(partner)
    path = Path(settings.ARTIFACT_DIR) / second.folder / "model.json"
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(ArtifactTamperedError):
        promote(version=second, now=NOON)
    assert champion("reschedule") == first


@pytest.mark.django_db
def test_training_without_a_partner_is_refused():
    with pytest.raises(ValueError, match="trains_models"):
        train_target(target="reschedule", partners=[], known_by=KNOWN_BY, now=KNOWN_BY)
    assert not TrainingRun.objects.exists()


@pytest.mark.django_db
def test_failed_training_says_why_and_leaves_no_version(monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("no room on the disk")

    monkeypatch.setattr(training.artifacts, "save", broken)
    with pytest.raises(RuntimeError):
        train(store_world(sessions=600))
    run = TrainingRun.objects.get()
    assert (run.state, run.error) == ("failed", "RuntimeError: no room on the disk")
    assert not ModelVersion.objects.exists()


@pytest.mark.django_db
def test_run_of_a_dead_process_is_taken_over():
    dead = TrainingRun.objects.create(target="reschedule", trained_until=KNOWN_BY)
    version = train(PartnerFactory())
    dead.refresh_from_db()
    assert dead.state == "failed"
    assert version.basis == "rate"


@pytest.mark.django_db
def test_folder_without_a_row_is_never_overwritten(settings):
    left = Path(settings.ARTIFACT_DIR) / "reschedule" / "7"
    left.mkdir(parents=True)
    assert train(PartnerFactory()).version == 8


@pytest.mark.django_db(transaction=True)
def test_second_training_of_a_target_is_refused_while_the_first_lives():
    partner = PartnerFactory()
    holds, may_end = threading.Event(), threading.Event()

    def hold():
        try:
            TrainingRun.objects.create(target="reschedule", trained_until=KNOWN_BY)
            with transaction.atomic():
                TrainingRun.objects.select_for_update().get(target="reschedule")
                holds.set()
                may_end.wait(20)
        finally:
            connection.close()

    other = threading.Thread(target=hold)
    other.start()
    assert holds.wait(20)
    try:
        with pytest.raises(TrainingInProgressError):
            train(partner)
    finally:
        may_end.set()
        other.join()
    assert not ModelVersion.objects.exists()
    assert train(partner).version == 1
