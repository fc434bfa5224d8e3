"""Mail once: whatever dies in between, nothing is lost and nothing is sent twice."""

from __future__ import annotations

import smtplib
import threading
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused
from django.db import connection
from requests import Response

from apps.alerts.actions import outbox, sending
from apps.alerts.actions.outbox import LEASE, send_due
from apps.alerts.channels import OutboxFileBackend
from apps.alerts.models import Delivery, OptOut
from apps.predictions.models import Exposure, Prediction
from tests.alerts.channels import BreakingFiles, Killed, Recorder, TakesThenBreaks, files
from tests.factories import NOON, DeliveryFactory

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def sent_once(delivery: Delivery) -> bool:
    """One file, one exposure, one row that says so."""
    delivery.refresh_from_db()
    return (
        delivery.state == "sent"
        and [path.name for path in files()] == [f"{delivery.public_id}.eml"]
        and Exposure.objects.filter(source=f"delivery:{delivery.pk}").count() == 1
    )


def test_a_due_mail_is_sent_and_the_tutor_counts_as_reached():
    delivery = DeliveryFactory()
    assert send_due(now=NOON) == {"sent": 1}
    assert sent_once(delivery)
    assert delivery.sent_at == NOON
    assert delivery.attempts == 1
    assert delivery.provider_message_id == f"<{delivery.public_id}@tutorscore.example>"
    assert delivery.claim_token is None
    exposure = Exposure.objects.get()
    assert (exposure.tutor, exposure.session, exposure.kind, exposure.reached_at) == (
        delivery.tutor,
        delivery.session,
        "preparation_mail",
        NOON,
    )


def test_a_sent_mail_is_never_sent_again():
    delivery = DeliveryFactory()
    send_due(now=NOON)
    assert send_due(now=NOON + 3 * HOUR) == {}
    assert sent_once(delivery)


@pytest.mark.parametrize("state", ["withheld", "cancelled", "expired", "suppressed", "dead", "uncertain"])
def test_other_states_are_left_alone(state):
    DeliveryFactory(state=state)
    assert send_due(now=NOON) == {}
    assert files() == []


def test_a_mail_waits_for_its_moment():
    DeliveryFactory(not_before=NOON + MINUTE)
    assert send_due(now=NOON) == {}
    assert send_due(now=NOON + MINUTE) == {"sent": 1}


def test_one_call_sends_no_more_than_its_limit_the_longest_waiting_first():
    late = DeliveryFactory(not_before=NOON)
    early = DeliveryFactory(not_before=NOON - HOUR)
    assert send_due(now=NOON, limit=1) == {"sent": 1}
    assert Delivery.objects.get(state="sent") == early
    assert send_due(now=NOON, limit=1) == {"sent": 1}
    late.refresh_from_db()
    assert late.state == "sent"


# At send time look again ------------------------------------------------------------


def call_off(delivery, status="cancelled"):
    type(delivery.session).objects.filter(pk=delivery.session_id).update(status=status)


def move_under_one_id(delivery):
    type(delivery.session).objects.filter(pk=delivery.session_id).update(is_latest=False)


def hand_to_another_tutor(delivery):
    other = DeliveryFactory(session__tutor__partner=delivery.partner, not_before=NOON + 9 * HOUR)
    type(delivery.session).objects.filter(pk=delivery.session_id).update(tutor=other.tutor)


def leave(delivery):
    type(delivery.tutor).objects.filter(pk=delivery.tutor_id).update(left_at=NOON)


def opt_out(delivery):
    OptOut.objects.create(tutor=delivery.tutor, kind="preparation", opted_out_at=NOON)


def lose_address(delivery):
    type(delivery.tutor).objects.filter(pk=delivery.tutor_id).update(email="")


def be_no_first_session(delivery):
    Prediction.objects.filter(session=delivery.session).update(is_latest=False)


def be_scratch(delivery):
    type(delivery.partner).objects.filter(pk=delivery.partner_id).update(is_scratch=True)


@pytest.mark.parametrize(
    ("happens", "state", "note"),
    [
        (call_off, "cancelled", "session_cancelled"),
        (lambda delivery: call_off(delivery, "rescheduled"), "cancelled", "session_rescheduled"),
        (lambda delivery: call_off(delivery, "in_progress"), "cancelled", "session_in_progress"),
        (move_under_one_id, "cancelled", "session_rescheduled"),
        (be_no_first_session, "cancelled", "not_a_first_session"),
        (hand_to_another_tutor, "cancelled", "tutor_changed"),
        (leave, "cancelled", "tutor_left"),
        (be_scratch, "cancelled", "nobody_to_write_to"),
        (opt_out, "suppressed", "opted_out"),
        (lose_address, "suppressed", "no_address"),
    ],
)
def test_what_happened_meanwhile_stops_the_mail(happens, state, note):
    delivery = DeliveryFactory()
    happens(delivery)
    assert send_due(now=NOON) == {state: 1}
    delivery.refresh_from_db()
    assert (delivery.state, delivery.note) == (state, note)
    assert (delivery.subject, delivery.html_body, delivery.claim_token) == ("", "", None)
    assert files() == [] and not Exposure.objects.exists()


def test_a_mail_is_never_sent_less_than_two_hours_ahead():
    delivery = DeliveryFactory()
    assert send_due(now=delivery.expires_at + MINUTE) == {"expired": 1}
    delivery.refresh_from_db()
    assert (delivery.state, delivery.note) == ("expired", "too_late")
    assert files() == []


def test_a_mail_whose_time_comes_at_night_waits_for_the_morning():
    delivery = DeliveryFactory(session__tutor__timezone="Asia/Tokyo", session__scheduled_start=NOON + 20 * HOUR)
    assert send_due(now=NOON) == {"due": 1}  # 21:00 in Tokyo
    delivery.refresh_from_db()
    assert (delivery.state, delivery.not_before, delivery.attempts) == ("due", NOON + 11 * HOUR, 0)
    assert send_due(now=NOON + HOUR) == {}
    assert send_due(now=NOON + 11 * HOUR) == {"sent": 1}


def test_a_mail_whose_next_morning_is_too_late_expires():
    delivery = DeliveryFactory(session__tutor__timezone="Asia/Tokyo", session__scheduled_start=NOON + 12 * HOUR)
    assert send_due(now=NOON) == {"expired": 1}
    delivery.refresh_from_db()
    assert delivery.note == "too_late"


def test_the_mail_goes_to_the_present_address():
    delivery = DeliveryFactory()
    type(delivery.tutor).objects.filter(pk=delivery.tutor_id).update(email="new@tutors.example")
    provider = Recorder()
    send_due(now=NOON, connection=provider)
    assert provider.taken[0].to == ["new@tutors.example"]
    delivery.refresh_from_db()
    assert delivery.recipient == "new@tutors.example"


# Refusals ------------------------------------------------------------


def answered(status: int) -> AnymailAPIError:
    """A mail provider's answer with that HTTP status."""
    response = Response()
    response.status_code, response.reason = status, "said so"
    return AnymailAPIError("refused", status_code=status, response=response)


TRY_AGAIN = [
    ConnectionRefusedError("no server"),
    smtplib.SMTPConnectError(421, b"busy"),
    smtplib.SMTPAuthenticationError(535, b"wrong password"),
    smtplib.SMTPDataError(451, b"later"),
    smtplib.SMTPRecipientsRefused({"t@example": (450, b"full")}),
    answered(429),
]
FINAL = [
    smtplib.SMTPDataError(554, b"spam"),
    smtplib.SMTPRecipientsRefused({"t@example": (550, b"unknown")}),
    answered(400),
    AnymailRecipientsRefused("all recipients"),
]
UNKNOWN = [TimeoutError("no answer"), smtplib.SMTPServerDisconnected("gone"), answered(502)]


@pytest.mark.parametrize("error", TRY_AGAIN, ids=str)
def test_what_was_certainly_not_taken_is_tried_again(error):
    delivery = DeliveryFactory()
    provider = Recorder(error)
    assert send_due(now=NOON, connection=provider) == {"retry": 1}
    delivery.refresh_from_db()
    assert type(error).__name__ in delivery.last_error
    assert timedelta(minutes=3) < delivery.next_attempt_at - NOON <= timedelta(minutes=5)
    assert send_due(now=NOON + 2 * MINUTE, connection=provider) == {}
    assert send_due(now=NOON + 5 * MINUTE, connection=provider) == {"sent": 1}
    assert len(provider.taken) == 1


@pytest.mark.parametrize("error", FINAL, ids=str)
def test_a_final_refusal_gives_up_at_once(error):
    DeliveryFactory()
    assert send_due(now=NOON, connection=Recorder(error)) == {"dead": 1}
    assert not Exposure.objects.exists()


@pytest.mark.parametrize("error", UNKNOWN, ids=str)
@pytest.mark.parametrize("channel", [Recorder, TakesThenBreaks])
def test_what_nobody_can_tell_is_left_to_a_person(error, channel):
    delivery = DeliveryFactory()
    assert send_due(now=NOON, connection=channel(error)) == {"uncertain": 1}
    assert send_due(now=NOON + HOUR, connection=Recorder()) == {}
    delivery.refresh_from_db()
    assert delivery.state == "uncertain"
    assert not Exposure.objects.exists()


@pytest.mark.parametrize(("writes", "expected"), [(False, {"retry": 1}), (True, {"sent": 1})])
def test_a_channel_that_can_be_asked_leaves_nothing_uncertain(writes, expected):
    delivery = DeliveryFactory()
    assert send_due(now=NOON, connection=BreakingFiles(OSError("disk"), writes=writes)) == expected
    send_due(now=NOON + HOUR)
    assert sent_once(delivery)


def test_after_five_claims_a_mail_is_given_up():
    morning = NOON - 4 * HOUR
    delivery = DeliveryFactory(
        session__tutor__timezone="UTC", session__scheduled_start=NOON + 10 * HOUR, not_before=morning
    )
    provider = Recorder(*[ConnectionRefusedError("no server") for _ in range(9)])
    ends: Counter[str] = Counter()
    for hours in (0, 2, 4, 6, 8, 10):
        ends.update(send_due(now=morning + hours * HOUR, connection=provider))
    delivery.refresh_from_db()
    assert ends == {"retry": 4, "dead": 1}
    assert (delivery.state, delivery.attempts, delivery.next_attempt_at) == ("dead", 5, None)


def test_waiting_grows_and_crowds_spread_out():
    waits = [sending.wait_after(n, DeliveryFactory.build(session=None, tutor=None, partner=None, prediction=None,
             dedupe_key="x", recipient="", expires_at=NOON).public_id) for n in (1, 2, 3, 4, 5)]  # fmt: skip
    assert all(
        0.75 * full * MINUTE <= wait <= full * MINUTE for wait, full in zip(waits, (5, 15, 45, 120, 120), strict=True)
    )


def test_a_mail_that_cannot_be_written_does_not_stop_the_others(monkeypatch):
    broken, fine = DeliveryFactory(), DeliveryFactory()
    write = sending.write_letter

    def write_or_fail(delivery, **options):
        if delivery.pk == broken.pk:
            raise KeyError("template")
        return write(delivery, **options)

    monkeypatch.setattr(sending, "write_letter", write_or_fail)
    assert send_due(now=NOON) == {"retry": 1, "sent": 1}
    broken.refresh_from_db()
    fine.refresh_from_db()
    assert (broken.state, broken.last_error, fine.state) == ("retry", "KeyError: 'template'", "sent")


# Crash points: every step between two commits ------------------------------------------------------------


def killed(*args, **kwargs):
    raise Killed


def after_the_claim(monkeypatch):
    monkeypatch.setattr(outbox, "deliver", killed)


def while_writing(monkeypatch):
    monkeypatch.setattr(sending, "render", killed)


def before_the_hand_over(monkeypatch):
    monkeypatch.setattr(sending, "hand_over", killed)


def during_the_hand_over(monkeypatch):
    monkeypatch.setattr(OutboxFileBackend, "send_messages", killed)


def after_the_hand_over(monkeypatch):
    send = OutboxFileBackend.send_messages

    def send_then_die(self, messages):
        send(self, messages)
        raise Killed

    monkeypatch.setattr(OutboxFileBackend, "send_messages", send_then_die)


def while_noting_it_sent(monkeypatch):
    monkeypatch.setattr(sending, "record_exposure", killed)


CRASH_POINTS = [
    after_the_claim,
    while_writing,
    before_the_hand_over,
    during_the_hand_over,
    after_the_hand_over,
    while_noting_it_sent,
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("crash", CRASH_POINTS, ids=lambda crash: crash.__name__)
def test_a_worker_killed_anywhere_loses_nothing_and_sends_nothing_twice(crash):
    delivery = DeliveryFactory(session__scheduled_start=NOON + 20 * HOUR)
    with pytest.MonkeyPatch.context() as patch:
        crash(patch)
        with pytest.raises(Killed):
            send_due(now=NOON)
    delivery.refresh_from_db()
    assert delivery.state in ("claimed", "handing")
    assert send_due(now=NOON + LEASE - MINUTE) == {}, "a living claim was taken over"
    send_due(now=NOON + LEASE)
    send_due(now=NOON + LEASE + HOUR)
    assert sent_once(delivery)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("crash", CRASH_POINTS, ids=lambda crash: crash.__name__)
def test_a_worker_killed_again_while_cleaning_up_loses_nothing_either(crash):
    delivery = DeliveryFactory(session__scheduled_start=NOON + 20 * HOUR)
    now = NOON
    for _ in range(3):
        with pytest.MonkeyPatch.context() as patch:
            crash(patch)
            with suppress(Killed):
                send_due(now=now)
        now += LEASE
    for _ in range(3):
        send_due(now=now)
        now += LEASE
    assert sent_once(delivery)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("takes", [True, False])
def test_a_worker_killed_over_a_provider_that_cannot_be_asked_leaves_it_to_a_person(takes):
    delivery = DeliveryFactory()
    with pytest.raises(Killed):
        send_due(now=NOON, connection=(TakesThenBreaks if takes else Recorder)(Killed()))
    later = Recorder()
    assert send_due(now=NOON + LEASE, connection=later) == {"uncertain": 1}
    assert later.taken == []
    delivery.refresh_from_db()
    assert delivery.state == "uncertain"


@pytest.mark.django_db(transaction=True)
def test_marking_before_or_after_sending_would_lose_or_repeat_mails():
    """The two plain ways, under the same kill: this is what the states are for."""

    def mark_then_send(delivery, provider):
        Delivery.objects.filter(pk=delivery.pk).update(state="sent", sent_at=NOON)
        provider.send_messages(["mail"])

    def send_then_mark(delivery, provider):
        provider.send_messages(["mail"])
        raise Killed

    lost, twice = Recorder(Killed()), Recorder()
    for way, provider in ((mark_then_send, lost), (send_then_mark, twice)):
        delivery = DeliveryFactory()
        for _ in range(2):
            delivery.refresh_from_db()
            if delivery.state == "due":
                with pytest.raises(Killed):
                    way(delivery, provider)
    assert (len(lost.taken), len(twice.taken)) == (0, 2)


def test_a_worker_that_lost_its_claim_changes_nothing():
    delivery = DeliveryFactory()

    class Frozen(OutboxFileBackend):
        """Sleeps through its lease in the middle of the hand-over, while another worker finishes the work."""

        def send_messages(self, messages):
            send_due(now=NOON + LEASE)
            return super().send_messages(messages)

    assert send_due(now=NOON, connection=Frozen()) == {"lost": 1}
    send_due(now=NOON + 2 * LEASE)
    assert sent_once(delivery)


def test_a_slow_worker_may_still_prove_that_an_uncertain_mail_was_sent():
    delivery = DeliveryFactory()

    class Slow(Recorder):
        def send_messages(self, messages):
            send_due(now=NOON + LEASE, connection=Recorder())
            return super().send_messages(messages)

    assert send_due(now=NOON, connection=Slow()) == {"sent": 1}
    delivery.refresh_from_db()
    assert (delivery.state, delivery.sent_at) == ("sent", NOON)
    assert Exposure.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_workers_at_once_send_every_mail_once():
    deliveries = [DeliveryFactory() for _ in range(12)]
    gate, counts, lock = threading.Barrier(8), Counter(), threading.Lock()
    provider = Recorder()

    def worker() -> None:
        try:
            gate.wait(10)
            for _ in range(6):
                ends = send_due(now=NOON, limit=2, connection=provider)
                with lock:
                    counts.update(ends)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert counts == {"sent": 12}
    keys = [message.extra_headers["X-Delivery-Id"] for message in provider.taken]
    assert sorted(keys) == sorted(str(delivery.public_id) for delivery in deliveries)
    assert Exposure.objects.count() == 12


def test_the_file_holds_the_whole_message():
    delivery = DeliveryFactory()
    send_due(now=NOON)
    [path] = files()
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert message["X-Delivery-Id"] == str(delivery.public_id)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]


def test_the_outbox_does_not_grow_in_queries_with_what_is_not_due(django_assert_max_num_queries):
    for _ in range(5):
        DeliveryFactory(state="sent", sent_at=NOON)
    with django_assert_max_num_queries(8):
        assert send_due(now=NOON) == {}
