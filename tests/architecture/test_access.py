"""The access table covers every route, and answers for every visitor as written down here by hand."""

from __future__ import annotations

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.factories import DeliveryFactory, UserFactory
from tests.front.factories import AlertFactory
from tutorscore.accounts.models import PartnerKey
from tutorscore.front.access import ROUTES, rule_for

ANONYMOUS, READ_ONLY, SUPPORT, MANAGER, KEY = "anonymous", "read_only", "support_staff", "success_manager", "key"
VISITORS = (ANONYMOUS, READ_ONLY, SUPPORT, MANAGER, KEY)

SIGN_IN, SHUT, OPEN, DONE = "to sign-in", 403, 200, 302
PAGE = {ANONYMOUS: SIGN_IN, READ_ONLY: OPEN, SUPPORT: OPEN, MANAGER: OPEN, KEY: SHUT}
ACTION = {ANONYMOUS: SIGN_IN, READ_ONLY: SHUT, SUPPORT: DONE, MANAGER: DONE, KEY: SHUT}
ADMIN = {ANONYMOUS: SIGN_IN, READ_ONLY: SHUT, SUPPORT: SHUT, MANAGER: OPEN, KEY: SHUT}
ANYONE = dict.fromkeys(VISITORS, OPEN)
NO_ONE = {ANONYMOUS: SHUT, READ_ONLY: SHUT, SUPPORT: SHUT, MANAGER: SHUT, KEY: SHUT}
API = {ANONYMOUS: 401, READ_ONLY: 401, SUPPORT: 401, MANAGER: 401, KEY: OPEN}

EXPECTED = {
    ("GET", "today"): PAGE,
    ("GET", "alert"): PAGE,
    ("GET", "tutors"): PAGE,
    ("GET", "tutor"): PAGE,
    ("GET", "upcoming"): PAGE,
    ("GET", "session"): PAGE,
    ("GET", "outbox"): PAGE,
    ("GET", "delivery"): PAGE,
    ("GET", "delivery_mail"): PAGE,
    ("GET", "fresh"): PAGE,
    ("POST", "alert_take"): ACTION,
    ("POST", "alert_snooze"): ACTION,
    ("POST", "alert_resolve"): ACTION,
    ("POST", "alert_reopen"): ACTION,
    ("GET", "health"): ANYONE,
    ("GET", "ready"): ANYONE,
    ("GET", "v1:health"): ANYONE,
    ("GET", "v1:schema"): ANYONE,
    ("GET", "v1:docs"): ANYONE,
    ("POST", "v1:sessions"): API,
    ("POST", "account_signup"): NO_ONE,
    ("GET", "account_email"): NO_ONE,
    ("GET", "mfa_index"): PAGE,
    ("GET", "admin:index"): ADMIN,
    ("GET", "admin:accounts_user_changelist"): ADMIN,
    ("GET", "admin:accounts_partnerkey_add"): ADMIN,
    ("GET", "admin:predictions_modelversion_changelist"): ADMIN,
    ("GET", "admin:django_celery_beat_periodictask_changelist"): ADMIN,
    ("GET", "admin:password_change"): NO_ONE,
}


@pytest.fixture
def rows(db):
    """One row behind every address that names one, all of one partner."""
    delivery = DeliveryFactory(text_body="Hello", html_body="<p>Hello</p>")
    alert = AlertFactory(tutor=delivery.tutor)
    return {
        "alert": {"pk": alert.pk},
        "tutor": {"pk": delivery.tutor_id},
        "session": {"pk": delivery.session_id},
        "delivery": {"public_id": delivery.public_id},
        "partner": delivery.partner,
    }


@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.parametrize(("method", "route"), EXPECTED)
def test_every_visitor_gets_the_answer_of_the_table(client, rows, method, route, visitor):
    expected = EXPECTED[method, route][visitor]
    headers = _enter(client, visitor, rows["partner"])
    named = {"alert": "alert", "tutor": "tutor", "session": "session", "delivery": "delivery"}
    kwargs = next((rows[key] for key in named if route.split("_")[0] == key), None)
    answer = client.generic(method, reverse(route, kwargs=kwargs), "[]", "application/json", headers=headers)
    if expected == SIGN_IN:
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/accounts/login/")
    else:
        assert answer.status_code == expected


def test_every_route_is_in_the_table():
    routes = [name for name, _ in _routes(get_resolver())]
    assert len(routes) > 100
    assert [name for name in routes if rule_for(name) is None] == []


def test_every_rule_has_a_route():
    routes = {name for name, _ in _routes(get_resolver())}
    exact = {name for name in ROUTES if not name.endswith("*")}
    assert sorted(exact - routes) == []


def test_a_route_the_table_does_not_know_is_shut():
    assert rule_for("brand_new_page") is None
    assert rule_for("other:thing") is None


@pytest.mark.django_db
def test_a_page_without_a_rule_is_refused_to_managers_too(client, monkeypatch):
    client.force_login(UserFactory(role="success_manager"))
    monkeypatch.setattr("tutorscore.front.access.ROUTES", {})
    assert client.get("/").status_code == 403


def _enter(client, visitor, partner):
    if visitor == KEY:
        secret = PartnerKey.objects.create_key(name="test", partner=partner, scopes="facts:write")[1]
        return {"Authorization": f"Api-Key {secret}"}
    if visitor != ANONYMOUS:
        client.force_login(UserFactory(role=visitor))
    return {}


def _routes(resolver, namespace=""):
    """The name under which middleware sees each route, as Django builds it."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _routes(entry, inner)
        elif isinstance(entry, URLPattern):
            yield namespace + (entry.name or entry.lookup_str), entry
