"""Real kills: workers die by SIGKILL at random moments, several at a time, and every mail still goes out once."""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db import connection

from apps.alerts.actions.outbox import LEASE, send_due
from apps.alerts.models import Delivery
from apps.predictions.models import Exposure
from tests.alerts.channels import files
from tests.factories import NOON, DeliveryFactory, PartnerFactory, TutorFactory

MORNING = NOON - timedelta(hours=4)
SESSION = NOON + timedelta(hours=19)


def work(now: datetime) -> None:
    while send_due(now=now, limit=3):
        pass


def kill_while_sending(now: datetime, chance: random.Random, workers: int) -> int:
    """Start workers, kill each after a random while; answer how many were still alive to be killed."""
    connection.close()  # a child must not share the parent's connection
    processes = [multiprocessing.get_context("fork").Process(target=work, args=(now,)) for _ in range(workers)]
    for process in processes:
        process.start()
    killed = 0
    for process in processes:
        process.join(chance.uniform(0.02, 0.4))
        killed += process.is_alive()
        process.kill()
        process.join()
    return killed


def check_kills(*, mails: int, rounds: int, workers: int) -> None:
    tutor = TutorFactory(partner=PartnerFactory(), timezone="UTC")
    deliveries = [
        DeliveryFactory(session__tutor=tutor, session__scheduled_start=SESSION, not_before=MORNING)
        for _ in range(mails)
    ]
    chance = random.Random(20260302)
    now, killed = MORNING, 0
    for _ in range(rounds):
        killed += kill_while_sending(now, chance, workers)
        now += LEASE
    assert killed > rounds / 2, "too few workers were killed for the test to mean anything"
    for _ in range(5):
        work(now)
        now += LEASE
    assert Counter(Delivery.objects.values_list("state", flat=True)) == {"sent": mails}
    written = [path.name for path in files() if not path.name.startswith(".")]
    assert sorted(written) == sorted(f"{delivery.public_id}.eml" for delivery in deliveries)
    assert Exposure.objects.count() == mails


@pytest.mark.django_db(transaction=True)
def test_a_dozen_kills_lose_nothing_and_send_nothing_twice():
    check_kills(mails=40, rounds=6, workers=2)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(900)
def test_a_hundred_kills_lose_nothing_and_send_nothing_twice():
    check_kills(mails=600, rounds=25, workers=4)
