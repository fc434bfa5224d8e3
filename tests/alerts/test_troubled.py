"""Mails that need a person: sent again, marked as sent, cancelled; each once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.alerts.actions.handling import StaleActionError
from apps.alerts.actions.outbox import send_due
from apps.alerts.actions.troubled import cancel_delivery, mark_as_sent, send_again
from apps.predictions.models import Exposure
from tests.alerts.channels import Recorder, files
from tests.factories import NOON, DeliveryFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory(username="rosa")


@pytest.mark.parametrize("state", ["dead", "uncertain"])
def test_a_mail_is_sent_again_with_all_its_attempts(user, state):
    delivery = DeliveryFactory(state=state, attempts=5)
    again = send_again(delivery_id=delivery.pk, by=user, now=NOON)
    assert (again.state, again.attempts, again.note) == ("due", 0, "sent again by rosa")
    assert send_due(now=NOON) == {"sent": 1}
    assert len(files()) == 1


def test_an_uncertain_mail_that_did_arrive_counts_since_its_hand_over(user):
    delivery = DeliveryFactory()
    send_due(now=NOON, connection=Recorder(TimeoutError()))
    sent = mark_as_sent(delivery_id=delivery.pk, by=user)
    assert (sent.state, sent.sent_at, sent.note) == ("sent", NOON, "marked as sent by rosa")
    assert Exposure.objects.get().reached_at == NOON
    assert send_due(now=NOON + timedelta(hours=1)) == {}


@pytest.mark.parametrize("state", ["due", "retry", "dead", "uncertain"])
def test_a_cancelled_mail_is_never_sent(user, state):
    delivery = DeliveryFactory(state=state)
    assert cancel_delivery(delivery_id=delivery.pk, by=user).state == "cancelled"
    assert send_due(now=NOON) == {}
    assert files() == []


@pytest.mark.parametrize(
    ("action", "state"),
    [
        (lambda pk, user: send_again(delivery_id=pk, by=user, now=NOON), "due"),
        (lambda pk, user: send_again(delivery_id=pk, by=user, now=NOON), "withheld"),
        (lambda pk, user: mark_as_sent(delivery_id=pk, by=user), "dead"),
        (lambda pk, user: cancel_delivery(delivery_id=pk, by=user), "withheld"),
        (lambda pk, user: cancel_delivery(delivery_id=pk, by=user), "expired"),
    ],
)
def test_other_states_refuse_and_stay(user, action, state):
    delivery = DeliveryFactory(state=state)
    with pytest.raises(StaleActionError):
        action(delivery.pk, user)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.note) == (state, "")
    assert not Exposure.objects.exists()
