"""Signed links of a mail: a GET only shows, a POST acts, once; nobody can make a link up."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core import signing
from django.test import Client

from apps.alerts.actions.inbox import apply_rules
from apps.alerts.actions.outbox import send_due
from apps.alerts.mail.links import LIFETIME, RESUME, STOP, link_to
from apps.alerts.models import Alert, OptOut, TutorReply
from tests.alerts.channels import Recorder
from tests.factories import NOON, DeliveryFactory

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
ACTIONS = [*TutorReply.Kind.values, STOP, RESUME]


@pytest.fixture
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def path(delivery, action: str) -> str:
    return link_to(delivery.public_id, action).removeprefix("http://localhost:8000")


@pytest.fixture
def tutor() -> Client:
    """Someone with a mail and no account; CSRF is checked as in a browser."""
    return Client(enforce_csrf_checks=True)


@pytest.mark.parametrize("action", ACTIONS)
def test_opening_a_link_changes_nothing(tutor, at_noon, action):
    delivery = DeliveryFactory()
    OptOut.objects.create(tutor=delivery.tutor, kind="other", opted_out_at=NOON)
    answer = tutor.get(path(delivery, action))
    assert answer.status_code == 200
    assert b'<form method="post">' in answer.content
    assert tutor.head(path(delivery, action)).status_code == 200
    assert not TutorReply.objects.exists() and OptOut.objects.count() == 1 and not Alert.objects.exists()


@pytest.mark.parametrize("kind", ["useful", "not_useful"])
def test_a_reply_is_kept_once(tutor, at_noon, kind):
    delivery = DeliveryFactory()
    for _ in range(2):
        answer = tutor.post(path(delivery, kind))
        assert answer.status_code == 200
        assert b"Thank you" in answer.content and b"<form" not in answer.content
    reply = TutorReply.objects.get()
    assert (reply.delivery, reply.kind, reply.replied_at) == (delivery, kind, NOON)
    assert not Alert.objects.exists()


def test_cannot_make_it_calls_staff_and_cancels_nothing(tutor, at_noon):
    delivery = DeliveryFactory(session__tutor__name="Zofia Adeyemi")
    for _ in range(2):
        tutor.post(path(delivery, "cannot_make_it"))
    alert = Alert.objects.get()
    assert (alert.rule, alert.urgency, alert.session, alert.due_at) == (
        "cannot_make_it", "critical", delivery.session, delivery.session.scheduled_start,
    )  # fmt: skip
    assert alert.title == "Zofia Adeyemi can’t make it"
    delivery.session.refresh_from_db()
    assert delivery.session.status == "scheduled"


def test_the_alert_stays_until_the_session_is_moved(tutor, at_noon):
    delivery = DeliveryFactory()
    tutor.post(path(delivery, "cannot_make_it"))
    assert apply_rules(partner=delivery.partner, now=NOON + HOUR) == {}
    type(delivery.session).objects.update(status="rescheduled")
    assert apply_rules(partner=delivery.partner, now=NOON + 2 * HOUR) == {"resolve": 1}


def test_after_the_start_nobody_is_called(tutor):
    delivery = DeliveryFactory()
    with time_machine.travel(NOON + 9 * HOUR, tick=False):
        assert tutor.post(path(delivery, "cannot_make_it")).status_code == 200
    assert TutorReply.objects.count() == 1
    assert not Alert.objects.exists()


def test_stopping_and_resuming(tutor, at_noon):
    delivery = DeliveryFactory()
    answer = tutor.post(path(delivery, STOP))
    assert OptOut.objects.get().tutor == delivery.tutor
    assert send_due(now=NOON) == {"suppressed": 1}
    resume = re.search(r'href="http://localhost:8000(/mail/[^"]+)"', answer.content.decode())
    assert resume is not None
    tutor.post(resume[1])
    assert not OptOut.objects.exists()


def test_a_mailbox_unsubscribes_by_a_bare_post_to_the_header(tutor, at_noon):
    """RFC 8058: no cookie, no token, no page, just this body."""
    delivery = DeliveryFactory()
    provider = Recorder()
    send_due(now=NOON, connection=provider)
    url = provider.taken[0].extra_headers["List-Unsubscribe"].strip("<>").removeprefix("http://localhost:8000")
    answer = tutor.post(url, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert OptOut.objects.get().tutor == delivery.tutor


@pytest.mark.parametrize("spoil", [lambda url: url[:-1] + ("A" if url[-1] != "A" else "B"), lambda url: url + "x"])
def test_a_changed_link_is_refused(tutor, at_noon, spoil):
    answer = tutor.post(spoil(path(DeliveryFactory(), STOP)))
    assert answer.status_code == 404
    assert "This link no longer works" in answer.content.decode()
    assert not OptOut.objects.exists()


def test_an_old_link_is_refused(tutor):
    with time_machine.travel(NOON, tick=False):
        url = path(DeliveryFactory(), STOP)
    with time_machine.travel(NOON + LIFETIME, tick=False):
        assert tutor.post(url).status_code == 200
    OptOut.objects.all().delete()
    with time_machine.travel(NOON + LIFETIME + timedelta(seconds=1), tick=False):
        assert tutor.post(url).status_code == 404
    assert not OptOut.objects.exists()


def test_a_link_to_a_mail_that_is_gone_is_refused(tutor):
    assert tutor.post(link_to(uuid4(), STOP).removeprefix("http://localhost:8000")).status_code == 404


def test_a_signature_made_for_something_else_is_no_link(tutor):
    delivery = DeliveryFactory()
    foreign = signing.dumps([delivery.public_id.hex, STOP], salt="another purpose")
    assert tutor.post(f"/mail/{foreign}").status_code == 404


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(tutor, method):
    assert getattr(tutor, method)(path(DeliveryFactory(), STOP)).status_code == 405


def test_the_pages_are_kept_by_nobody_and_show_no_staff_navigation(tutor):
    answer = tutor.get(path(DeliveryFactory(), STOP))
    assert "no-store" in answer["Cache-Control"]
    assert "/tutors/" not in answer.content.decode()
