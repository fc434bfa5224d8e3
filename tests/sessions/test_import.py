"""Whole exports: folders, archives, broken files, killed imports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.sessions.ingest import doors
from apps.sessions.ingest.csv_rows import UnreadableFileError
from apps.sessions.ingest.doors import import_export, replay_rejected
from apps.sessions.models import (
    Clock,
    Entity,
    Feedback,
    IngestRun,
    RejectedRow,
    Reschedule,
    Student,
    TutorEvent,
    TutoringSession,
)
from apps.tutors.models import StaleTutor, Tutor
from tests.factories import PartnerFactory
from tests.sessions.partner_rows import NOW, at, facts_of
from tutorscore.accounts.models import Partner

GOOD = {
    "tutors.csv": "external_id,name,recorded_at\nt1,Ada,2026-01-01T00:00:00Z\n",
    "students.csv": "external_id,age,recorded_at\ns1,14,2026-01-01T00:00:00Z\n",
    "sessions.csv": "external_id,tutor_id,student_id,scheduled_start,status,recorded_at\n"
    "x1,t1,s1,2026-03-05T10:00:00Z,completed,2026-03-05T12:00:00Z\n"
    "x2,t1,s1,2026-03-06T10:00:00Z,rescheduled,\n",
    "reschedules.csv": "session_id,initiator,requested_at,new_start\nx2,tutor,2026-03-04T09:00:00Z,\n",
    "feedback.csv": "session_id,rating,submitted_at\nx1,5,2026-03-05T13:00:00Z\n",
    "tutor_events.csv": "tutor_id,kind,occurred_at,value\nt1,message_response,2026-03-01T10:00:00Z,12.5\n",
}


@pytest.fixture
def partner(db):
    return PartnerFactory(slug="acme")


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "export"
    place.mkdir()
    for name, text in GOOD.items():
        (place / name).write_text(text)
    (place / "truth.csv").write_text("session_id\nx1\n")
    return place


def counts(report):
    return {file.entity.value: dict(file.outcomes) for file in report.files}


def test_folder_is_read_in_order_and_a_second_import_changes_nothing(partner, folder):
    report = import_export(partner=partner, path=folder, now=NOW)
    assert counts(report) == {
        "tutors": {"created": 1},
        "students": {"created": 1},
        "sessions": {"created": 2},
        "reschedules": {"created": 1},
        "feedback": {"created": 1},
        "tutor_events": {"created": 1},
    }
    assert (report.sessions, report.usable_sessions, report.refused) == (2, 1, 0)
    assert not Tutor.objects.get().is_stub
    assert not Student.objects.get().is_stub
    assert TutorEvent.objects.get().value == 12.5
    before = facts_of(partner)
    StaleTutor.objects.all().delete()
    again = import_export(partner=partner, path=folder, now=NOW + timedelta(days=1))
    assert {outcome for file in again.files for outcome in file.outcomes} == {"unchanged"}
    assert facts_of(partner) == before
    assert not StaleTutor.objects.exists()


def test_archive_equals_its_folder_wherever_the_files_lie_in_it(partner, folder, tmp_path):
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for name, text in GOOD.items():
            out.writestr(f"partner/2026/{name}", text)
        out.writestr("__MACOSX/sessions.csv", "rubbish")
    import_export(partner=partner, path=folder, now=NOW)
    assert all(
        list(outcomes) == ["unchanged"]
        for outcomes in counts(import_export(partner=partner, path=archive, now=NOW)).values()
    )


def test_event_clock_fills_in_what_the_files_leave_out(partner, folder):
    report = import_export(partner=partner, path=folder, now=NOW, assume_recorded_at="event")
    assert report.usable_sessions == 2
    assert report.run.assumed_clock == Clock.EVENT
    known = {row.external_id: (row.recorded_at, row.clock) for row in TutoringSession.objects.all()}
    assert known == {
        "x1": (at("2026-03-05T12:00:00Z"), Clock.PARTNER),
        "x2": (at("2026-03-04T09:00:00Z"), Clock.EVENT),
    }
    for fact, moment in ((Reschedule, "2026-03-04T09:00:00Z"), (Feedback, "2026-03-05T13:00:00Z")):
        assert (fact.objects.get().recorded_at, fact.objects.get().clock) == (at(moment), Clock.EVENT)
    before = facts_of(partner)
    again = import_export(partner=partner, path=folder, now=NOW, assume_recorded_at="event")
    assert {outcome for file in again.files for outcome in file.outcomes} == {"unchanged"}
    assert facts_of(partner) == before


def test_broken_file_imports_its_good_rows_and_lists_every_bad_one(partner, folder):
    lines = [
        b"external_id,tutor_id,student_id,scheduled_start,status,recorded_at,colour",
        b"x1,t1,s1,2026-03-05T10:00:00Z,completed,2026-03-05T12:00:00Z,red",
        b"x2,t1,s1,2026-13-45T10:00:00Z,completed,2026-03-05T12:00:00Z,red",
        b"x3,t1,s1,2026-03-05T10:00:00Z,exploded,2026-03-05T12:00:00Z,red",
        b"x\x004,t1,s1,2026-03-05T10:00:00Z,completed,2026-03-05T12:00:00Z,red",
        b"x1,t1,s1,2026-03-05T10:00:00Z,cancelled,2026-03-05T12:00:00Z,red",
        b"x" * 300 + b",t1,s1,2026-03-05T10:00:00Z,completed,2026-03-05T12:00:00Z,red",
        b"x5,t1,s1,2026-03-05T10:00:00,completed,2026-03-05T12:00:00Z,red",
        b'x6,"t1,s1,2026-03-05T10:00:00Z,completed,2026-03-05T12:00:00Z,red',
        b"x7,t1,s1,2026-03-05T10:00:00Z,completed,2026-03-05T12:00:00Z,red,green",
        b"x8,t\xff,s1,2026-03-05T10:00:00Z,completed,2026-03-05T12:00:00Z,red",
        b"x1,t1,s1,2026-03-05T10:00:00Z,no_show_student,2026-03-06T12:00:00Z,red",
        b"x9,t1,s1,2026-03-05T10:00:00Z,completed,2026-03-05T12:00:00Z,red",
    ]
    (folder / "sessions.csv").write_bytes(b"\n".join(lines))
    for name in GOOD:
        if name != "sessions.csv":
            (folder / name).unlink()
    (report,) = import_export(partner=partner, path=folder, now=NOW).files
    assert dict(report.outcomes) == {"created": 2, "updated": 1, "conflict": 1, "rejected": 8}
    assert report.rows == len(lines) - 1
    assert report.unknown_columns == ["colour"]
    kept = list(RejectedRow.objects.order_by("line").values_list("line", "field", "code"))
    assert kept == [
        (3, "scheduled_start", "bad_time"),
        (4, "status", "unknown_value"),
        (5, "external_id", "control_character"),
        (6, "", "conflict"),
        (7, "external_id", "too_long"),
        (8, "scheduled_start", "naive_time"),
        (9, "", "broken_quoting"),
        (10, "", "columns"),
        (11, "", "not_utf8"),
    ]
    row = RejectedRow.objects.get(line=4)
    assert (row.source, row.entity, row.partner) == ("export/sessions.csv", "sessions", partner)
    assert row.row["external_id"] == "x3"
    assert RejectedRow.objects.get(line=5).row["external_id"] == "x\\u00004"
    assert TutoringSession.objects.get(external_id="x1").status == "no_show_student"
    assert TutoringSession.objects.get(external_id="x9").status == "completed"
    import_export(partner=partner, path=folder, now=NOW)
    assert RejectedRow.objects.count() == 9


def test_one_unreadable_file_stops_no_other(partner, folder):
    (folder / "tutors.csv").write_bytes(b"")
    (folder / "feedback.csv").write_text("session_id,stars\nx1,5\n")
    reports = {file.entity.value: file for file in import_export(partner=partner, path=folder, now=NOW).files}
    assert "no header row" in reports["tutors"].error
    assert reports["feedback"].error == "feedback.csv lacks the required columns rating, submitted_at."
    assert dict(reports["sessions"].outcomes) == {"created": 2}


def test_place_without_an_export_says_so(partner, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    for path, words in (
        (tmp_path / "nowhere", "does not exist"),
        (tmp_path / "notes.txt", "neither a folder nor a zip"),
        (tmp_path, "holds none of"),
    ):
        with pytest.raises(UnreadableFileError, match=words):
            import_export(partner=partner, path=path, now=NOW)
    assert not IngestRun.objects.exists()


def test_damaged_archive_is_an_error_of_its_file(partner, tmp_path):
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("sessions.csv", GOOD["sessions.csv"] * 200)
    data = bytearray(archive.read_bytes())
    data[60:90] = bytes(30)
    archive.write_bytes(data)
    (report,) = import_export(partner=partner, path=archive, now=NOW).files
    assert "damaged" in report.error


def test_corrected_row_is_replayed_and_resolved(partner, folder):
    (folder / "feedback.csv").write_text("session_id,rating,submitted_at\nx1,9,2026-03-05T13:00:00Z\n")
    import_export(partner=partner, path=folder, now=NOW)
    row = RejectedRow.objects.get()
    still = replay_rejected(row=row, corrected=row.row | {"rating": "8"}, now=NOW, by="sam")
    assert still.code == "out_of_range"
    row.refresh_from_db()
    assert (row.resolved_at, row.row["rating"]) == (None, "9")
    assert replay_rejected(row=row, corrected=row.row | {"rating": "4"}, now=NOW, by="sam").outcome == "created"
    row.refresh_from_db()
    assert row.resolved_at == NOW
    assert Feedback.objects.get().rating == 4
    assert RejectedRow.objects.count() == 1


@pytest.mark.django_db
def test_command_reports_what_happened(folder):
    (folder / "feedback.csv").write_text("session_id,rating,submitted_at,mood\nx1,9,2026-03-05T13:00:00Z,fine\n")
    said = StringIO()
    call_command("import_export_dir", str(folder), partner="new", stdout=said)
    text = said.getvalue()
    assert "sessions: 2 created (" in text
    assert "unknown columns, ignored: mood" in text
    assert "1 of 2 ended sessions have a recorded_at: usable for training." in text
    assert "export/feedback.csv:2 rating out_of_range: Must lie between 1 and 5." in text
    assert Partner.objects.get(slug="new").trains_models is False
    (folder / "tutors.csv").write_bytes(b"")
    with pytest.raises(CommandError, match="Not read: tutors"):
        call_command("import_export_dir", str(folder), partner="new", stdout=StringIO())


def test_chunks_see_each_other(partner, tmp_path, monkeypatch):
    monkeypatch.setattr(doors, "CHUNK_ROWS", 2)
    head = "external_id,tutor_id,student_id,scheduled_start,status,recorded_at\n"
    rows = [f"x1,t1,s1,2026-03-05T10:00:00Z,completed,2026-03-0{day}T12:00:00Z\n" for day in (7, 8, 6, 9, 7)]
    (tmp_path / "sessions.csv").write_text(head + "".join(rows))
    seen = []
    (report,) = import_export(
        partner=partner, path=tmp_path, now=NOW, progress=lambda entity, rows, seconds: seen.append((entity, rows))
    ).files
    assert seen == [("sessions", 2), ("sessions", 4), ("sessions", 5)]
    assert dict(report.outcomes) == {"created": 1, "unchanged": 3, "stale": 1}


@pytest.mark.django_db(transaction=True)
def test_import_killed_half_way_loses_nothing_when_it_is_run_again(tmp_path):
    """kill -9 after the first committed chunk; the second run ends where an undisturbed one would."""
    rows = 6_000
    lines = [f"x{n},t{n % 50},s{n % 700},2026-03-05T10:00:00Z,completed,2026-03-05T12:00:00Z\n" for n in range(rows)]
    head = "external_id,tutor_id,student_id,scheduled_start,status,recorded_at\n"
    (tmp_path / "sessions.csv").write_text(head + "".join(lines) + "bad,,s1,2026-03-05T10:00:00Z,completed,\n")
    code = (
        "import django, sys; django.setup()\n"
        "from apps.sessions.ingest import doors\n"
        "doors.CHUNK_ROWS = 200\n"
        "from django.core.management import call_command\n"
        f"call_command('import_export_dir', {str(tmp_path)!r}, partner='killed')\n"
    )
    database = connection.settings_dict
    address = "postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "tutorscore.settings"},
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while TutoringSession.objects.count() < 200 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = TutoringSession.objects.count()
    assert 200 <= done < rows
    assert IngestRun.objects.get().outcomes["sessions"]["created"] == done
    partner = Partner.objects.get(slug="killed")
    (report,) = import_export(partner=partner, path=tmp_path, now=NOW).files
    assert dict(report.outcomes) == {"unchanged": done, "created": rows - done, "rejected": 1}
    assert TutoringSession.objects.filter(is_latest=True).count() == rows
    assert Student.objects.count() == 700
    assert set(StaleTutor.objects.values_list("tutor_id", flat=True)) == set(Tutor.objects.values_list("pk", flat=True))
    assert RejectedRow.objects.get().line == rows + 2
    assert Entity(RejectedRow.objects.get().entity) is Entity.SESSION
