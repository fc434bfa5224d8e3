"""Each slot once: through failures, dead workers, daylight saving and long pauses."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from tutorscore.lib.models import Heartbeat, JobSlot
from tutorscore.lib.slots import REMEMBERED, beat, catch_up, floor_to_slot, run_once

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=10)


def run(ran: list, *, slot_at=NOON, now=NOON, word="done") -> bool:
    return run_once("job", slot_at=slot_at, lease=LEASE, now=now, work=lambda: ran.append(word) or {"n": len(ran)})


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (timedelta(minutes=1), datetime(2026, 3, 4, 13, 47, tzinfo=UTC)),
        (HOUR, datetime(2026, 3, 4, 13, tzinfo=UTC)),
        (timedelta(days=1), datetime(2026, 3, 4, tzinfo=UTC)),
        (timedelta(weeks=1), datetime(2026, 3, 2, tzinfo=UTC)),
    ],
)
def test_a_slot_begins_on_a_whole_tick_in_utc(every, expected):
    assert floor_to_slot(datetime(2026, 3, 4, 13, 47, 31, 5, tzinfo=UTC), every) == expected


def test_a_slot_does_not_depend_on_the_zone_it_is_asked_in():
    now = datetime(2026, 3, 29, 3, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert floor_to_slot(now, HOUR) == datetime(2026, 3, 29, 1, tzinfo=UTC)


@pytest.mark.django_db
def test_a_finished_slot_never_runs_again():
    ran: list[str] = []
    assert run(ran) is True
    assert run(ran) is False
    assert run(ran, now=NOON + timedelta(days=9)) is False
    assert ran == ["done"]
    assert JobSlot.objects.get().summary == {"n": 1}
    assert Heartbeat.objects.get(job="job").beat_at == NOON


@pytest.mark.django_db
def test_a_held_slot_is_left_alone_until_its_lease_ends():
    JobSlot.objects.create(job="job", slot_at=NOON, claimed_until=NOON + LEASE)
    ran: list[str] = []
    assert run(ran, now=NOON + LEASE - timedelta(seconds=1)) is False
    assert run(ran, now=NOON + LEASE) is True
    assert ran == ["done"]
    assert JobSlot.objects.get().attempts == 2


@pytest.mark.django_db
def test_failed_work_frees_its_slot_and_keeps_its_error():
    def fail() -> dict:
        raise ValueError("no rows")

    with pytest.raises(ValueError, match="no rows"):
        run_once("job", slot_at=NOON, lease=LEASE, now=NOON, work=fail)
    assert JobSlot.objects.get().finished_at is None
    assert not Heartbeat.objects.exists()
    ran: list[str] = []
    assert run(ran) is True


@pytest.mark.django_db
def test_a_worker_that_lost_its_lease_does_not_finish_the_slot_of_another():
    def slow() -> dict:
        JobSlot.objects.update(attempts=2, claimed_until=NOON + 3 * LEASE)  # taken over meanwhile
        return {"n": 0}

    run_once("job", slot_at=NOON, lease=LEASE, now=NOON, work=slow)
    assert JobSlot.objects.get().finished_at is None
    assert not Heartbeat.objects.exists()


@pytest.mark.django_db
def test_old_slots_are_forgotten():
    JobSlot.objects.create(job="job", slot_at=NOON - REMEMBERED - HOUR, claimed_until=NOON, finished_at=NOON)
    JobSlot.objects.create(job="other", slot_at=NOON - REMEMBERED - HOUR, claimed_until=NOON, finished_at=NOON)
    run([])
    assert sorted(JobSlot.objects.values_list("job", flat=True)) == ["job", "other"]
    assert JobSlot.objects.get(job="job").slot_at == NOON


def caught_up(moments: list, now: datetime) -> int:
    return catch_up(
        "hourly", every=HOUR, look_back=timedelta(hours=48), lease=LEASE, now=now,
        work=lambda moment: moments.append(moment) or {},
    )  # fmt: skip


@pytest.mark.django_db
def test_a_job_that_never_ran_starts_with_the_present_slot():
    moments: list[datetime] = []
    now = NOON + timedelta(minutes=7)
    assert caught_up(moments, now) == 1
    assert moments == [now]


@pytest.mark.django_db
def test_25_hours_of_downtime_neither_skip_nor_repeat_a_slot():
    moments: list[datetime] = []
    caught_up(moments, NOON)
    later = NOON + timedelta(hours=25, minutes=3)
    assert caught_up(moments, later) == 25
    assert moments == [NOON + n * HOUR for n in range(25)] + [later]
    assert caught_up(moments, later + timedelta(minutes=30)) == 0


@pytest.mark.django_db
def test_slots_beyond_the_look_back_are_given_up():
    moments: list[datetime] = []
    caught_up(moments, NOON)
    assert caught_up(moments, NOON + timedelta(days=10)) == 49
    assert moments[1] == NOON + timedelta(days=8)


@pytest.mark.django_db
@pytest.mark.parametrize("day", [datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)])
def test_a_change_of_clocks_neither_skips_nor_repeats_a_slot(day):
    """Beat fires by Berlin's clock every half hour through the night the clocks change: 24 slots, each once."""
    berlin = ZoneInfo("Europe/Berlin")
    moments: list[datetime] = []
    for half_hours in range(48):
        caught_up(moments, (day + half_hours * timedelta(minutes=30)).astimezone(berlin))
    assert moments == [day + n * HOUR for n in range(24)]


@pytest.mark.django_db
def test_catching_up_stops_at_a_slot_somebody_else_holds():
    moments: list[datetime] = []
    caught_up(moments, NOON)
    JobSlot.objects.create(job="hourly", slot_at=NOON + HOUR, claimed_until=NOON + 9 * HOUR)
    assert caught_up(moments, NOON + 2 * HOUR) == 0
    assert moments == [NOON]


@pytest.mark.django_db(transaction=True)
def test_eight_workers_at_once_do_the_work_once():
    ran: list[str] = []
    gate = threading.Barrier(8)

    def worker() -> None:
        try:
            gate.wait(10)
            run(ran)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert ran == ["done"]


@pytest.mark.django_db
def test_a_beat_says_when_and_what():
    beat("job", {"n": 3}, now=NOON)
    beat("job", {"n": 4}, now=NOON + HOUR)
    heartbeat = Heartbeat.objects.get()
    assert (heartbeat.beat_at, heartbeat.summary) == (NOON + HOUR, {"n": 4})
