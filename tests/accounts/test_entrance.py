"""How staff come in, and what they may do once inside."""

import pytest
from allauth.mfa.models import Authenticator

from tests.factories import UserFactory

PASSWORD = "a-long-enough-passphrase"


@pytest.fixture
def rosa(db):
    user = UserFactory(username="rosa", email="rosa@tutorscore.example", role="support_staff")
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(client, login, password=PASSWORD, address="/accounts/login/"):
    return client.post(address, {"login": login, "password": password})


@pytest.mark.parametrize("login", ["rosa", "rosa@tutorscore.example"])
def test_staff_sign_in_by_name_or_mail_and_land_on_today(client, rosa, login):
    answer = sign_in(client, login)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert client.get("/").status_code == 200


def test_after_signing_in_the_page_asked_for_opens(client, rosa):
    asked = client.get("/tutors/?level=at_risk").headers["Location"]
    assert asked == "/accounts/login/?next=/tutors/%3Flevel%3Dat_risk"
    assert sign_in(client, "rosa", address=asked).headers["Location"] == "/tutors/?level=at_risk"


@pytest.mark.parametrize("login", ["rosa", "nobody"])
def test_a_wrong_password_and_a_wrong_name_look_alike(client, rosa, login):
    answer = sign_in(client, login, "wrong")
    assert answer.status_code == 200
    assert "are not correct" in answer.text
    assert client.get("/").status_code == 302


def test_an_account_that_was_closed_stays_outside(client, rosa):
    rosa.is_active = False
    rosa.save()
    sign_in(client, "rosa")
    assert client.get("/").status_code == 302


def test_a_closed_account_loses_its_open_session(client, rosa):
    client.force_login(rosa)
    rosa.is_active = False
    rosa.save()
    assert client.get("/").status_code == 302


def test_nobody_signs_up(client, db):
    assert client.get("/accounts/signup/").status_code == 403
    assert client.post("/accounts/signup/", {"username": "eve", "password1": PASSWORD}).status_code == 403


def test_where_staff_must_use_a_second_factor_they_are_led_to_it(client, rosa, settings):
    settings.STAFF_MUST_USE_MFA = True
    client.force_login(rosa)
    assert client.get("/").headers["Location"] == "/accounts/2fa/totp/activate/"
    assert client.post("/alerts/1/take").headers["Location"] == "/accounts/2fa/totp/activate/"
    assert client.get("/health").status_code == 200
    Authenticator.objects.create(user=rosa, type=Authenticator.Type.TOTP, data={"secret": "x"})
    assert client.get("/").status_code == 200


def test_the_way_to_the_second_factor_stays_open(client, rosa, settings):
    settings.STAFF_MUST_USE_MFA = True
    client.force_login(rosa)
    assert client.get("/accounts/2fa/totp/activate/").headers["Location"].startswith("/accounts/reauthenticate/")
    assert client.get("/accounts/reauthenticate/").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "place"),
    [("/tutors/?page=2", "/tutors/?page=2"), ("https://evil.example/", "/"), ("//evil.example", "/")],
)
def test_the_appearance_is_kept_and_leads_back_into_the_application(client, rosa, wanted, place):
    client.force_login(rosa)
    answer = client.post("/appearance", {"theme": "dark", "next": wanted})
    assert answer.headers["Location"] == place
    assert client.cookies["theme"].value == "dark"
    assert 'data-bs-theme="dark"' in client.get("/tutors/").text


def test_an_appearance_nobody_offers_is_the_systems(client, rosa):
    client.force_login(rosa)
    client.post("/appearance", {"theme": '"><script>'})
    assert "data-bs-theme" not in client.get("/tutors/").text


def test_pages_carry_a_strict_policy(client, rosa):
    client.force_login(rosa)
    answer = client.get("/tutors/")
    policy = {part.split()[0]: part.split()[1:] for part in answer.headers["Content-Security-Policy"].split("; ")}
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert "style=" not in answer.text
    assert "<script>" not in answer.text
    assert "onclick" not in answer.text
