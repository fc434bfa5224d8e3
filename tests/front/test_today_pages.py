from datetime import timedelta

import pytest

from apps.alerts.models import Alert
from tests.factories import NOON, DecisionFactory, SessionFactory, TutorFactory, UserFactory
from tests.front.factories import AlertFactory


@pytest.fixture
def tutor(partner):
    return TutorFactory(partner=partner, name="Priya Nandakumar")


def test_an_empty_day_says_what_watches(staff, partner):
    page = staff.get("/")
    assert "Nothing needs you now" in page.text
    assert "The rules look again every hour" in page.text


def test_before_the_first_partner_the_page_says_what_to_set_up(client, manager):
    client.force_login(manager)
    page = client.get("/")
    assert "No marketplace sends facts yet" in page.text
    assert "/admin/accounts/partner/add/" in page.text


def test_each_item_has_reason_next_step_and_deadline(staff, tutor):
    AlertFactory(tutor=tutor)
    page = staff.get("/").text
    assert "Priya Nandakumar moves many sessions" in page
    assert "21 of 96 sessions moved by the tutor in 90 days" in page
    assert "Ask which hours no longer work" in page
    assert "by 15:00" in page
    assert "3 h 00 left" in page


def test_the_first_item_stands_open_with_odds_and_reasons(staff, partner):
    session = SessionFactory(tutor__partner=partner, scheduled_start=NOON + timedelta(hours=5))
    DecisionFactory(session=session, probability=0.74, level="CRITICAL")
    AlertFactory(tutor=session.tutor, session=session, rule="first_session_at_risk", urgency="critical")
    page = staff.get("/")
    assert page.context["risk"].probability == 0.74
    assert "74</b> of 100 first sessions like this one" in page.text
    assert "this one 74" in page.text
    assert "17:00" in page.text
    assert "18:00 Berlin" in page.text


def test_another_item_opens_at_its_own_address(staff, tutor):
    AlertFactory(tutor=tutor)
    later = AlertFactory(tutor=tutor, due_at=NOON + timedelta(hours=6), title="The other one")
    page = staff.get(f"/alerts/{later.pk}/")
    assert page.context["alert"] == later
    assert len(page.context["queue"].items) == 2


def act(client, alert, what, **data):
    return client.post(f"/alerts/{alert.pk}/{what}", data, follow=True)


def test_taking_an_alert_makes_it_mine(staff, tutor, rosa):
    alert = AlertFactory(tutor=tutor)
    page = act(staff, alert, "take")
    alert.refresh_from_db()
    assert (alert.state, alert.owner, alert.acknowledged_at) == ("acknowledged", rosa, NOON)
    assert "Yours now" in page.text


def test_a_colleague_who_is_later_is_told_and_changes_nothing(staff, tutor):
    colleague = UserFactory()
    alert = AlertFactory(tutor=tutor, state="acknowledged", owner=colleague, acknowledged_at=NOON)
    page = act(staff, alert, "take")
    alert.refresh_from_db()
    assert alert.owner == colleague
    assert "has changed since you opened it" in page.text


@pytest.mark.parametrize(
    ("until", "moment"),
    [
        ("hours", NOON + timedelta(hours=2)),
        ("tomorrow", NOON + timedelta(hours=21)),
        ("monday", NOON + timedelta(days=7, hours=-3)),
    ],
)
def test_snoozing_parks_it_until_then(staff, tutor, until, moment):
    alert = AlertFactory(tutor=tutor)
    page = act(staff, alert, "snooze", until=until)
    alert.refresh_from_db()
    assert (alert.state, alert.snoozed_until) == ("snoozed", moment)
    assert page.context["queue"].items == []
    assert page.context["queue"].parked == [alert]


def test_resolving_keeps_what_came_of_it_and_can_be_undone(staff, tutor):
    alert = AlertFactory(tutor=tutor)
    page = act(staff, alert, "resolve", outcome="Talked to the tutor", note="Thursdays are off now")
    alert.refresh_from_db()
    assert (alert.state, alert.resolution) == ("resolved", "Talked to the tutor: Thursdays are off now")
    assert "Nothing needs you now" in page.text
    assert "Undo, open it again" in staff.get(f"/alerts/{alert.pk}/").text
    act(staff, alert, "reopen")
    alert.refresh_from_db()
    assert alert.state == "new"


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("snooze", {"until": "never"}),
        ("snooze", {}),
        ("resolve", {"outcome": "magic"}),
        ("resolve", {"outcome": "Nothing to do", "note": "x" * 151}),
    ],
)
def test_a_broken_form_changes_nothing(staff, tutor, what, data):
    alert = AlertFactory(tutor=tutor)
    act(staff, alert, what, **data)
    assert Alert.objects.get().state == "new"


def test_a_reader_sees_everything_and_no_button(client, reader, tutor):
    alert = AlertFactory(tutor=tutor)
    client.force_login(reader)
    page = client.get("/").text
    assert "Priya Nandakumar moves many sessions" in page
    assert "Take it" not in page
    assert "/alerts/" + str(alert.pk) + "/resolve" not in page
    assert client.post(f"/alerts/{alert.pk}/take").status_code == 403
    assert Alert.objects.get().state == "new"


def test_another_partners_alert_cannot_be_touched(staff, partner):
    alert = AlertFactory()
    assert staff.get(f"/alerts/{alert.pk}/").status_code == 404
    assert staff.post(f"/alerts/{alert.pk}/take").status_code == 404
    assert Alert.objects.get().state == "new"


def test_a_click_from_another_site_is_refused(rosa, tutor):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(rosa)
    alert = AlertFactory(tutor=tutor)
    assert client.post(f"/alerts/{alert.pk}/take").status_code == 403
    assert Alert.objects.get().state == "new"


def test_today_costs_the_same_for_three_and_for_thirty(staff, partner, django_assert_num_queries):
    def add(count):
        for _ in range(count):
            session = SessionFactory(tutor__partner=partner, scheduled_start=NOON + timedelta(hours=5))
            AlertFactory(tutor=session.tutor, session=session, rule="first_session_at_risk")

    add(3)
    with django_assert_num_queries(17):
        staff.get("/")
    add(27)
    with django_assert_num_queries(17):
        assert len(staff.get("/").context["queue"].parked) == 22
