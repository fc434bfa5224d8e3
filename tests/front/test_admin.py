"""Every model has its place in the admin, and every page of it opens for a manager."""

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.urls import reverse

from tests.factories import DeliveryFactory, FeedbackFactory, RescheduleFactory
from tests.front.factories import AlertFactory, ScoreChangeFactory, TutorScoreFactory
from tutorscore.accounts.models import Partner, PartnerKey, User

OURS = ("accounts", "tutors", "tutoring_sessions", "predictions", "alerts", "lib")


@pytest.fixture
def rows(db):
    delivery = DeliveryFactory(text_body="Hello", html_body="<p>Hello</p>")
    tutor = delivery.tutor
    AlertFactory(tutor=tutor)
    TutorScoreFactory(tutor=tutor)
    ScoreChangeFactory(tutor=tutor)
    FeedbackFactory()
    RescheduleFactory()
    PartnerKey.objects.create_key(name="test", partner=delivery.partner, scopes="facts:write")


@pytest.fixture
def boss(client, manager):
    client.force_login(manager)
    return client


def test_every_model_of_ours_is_in_the_admin():
    ours = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    assert len(ours) > 25
    assert [model.__name__ for model in ours if model not in admin.site._registry] == []


def test_every_link_of_the_menu_leads_somewhere(boss):
    links = [str(item["link"]) for group in settings.UNFOLD["SIDEBAR"]["navigation"] for item in group["items"]]
    assert len(links) > 20
    assert {link: boss.get(link).status_code for link in links} == dict.fromkeys(links, 200)


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label_lower)
def test_lists_and_rows_open(boss, rows, model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert boss.get(reverse(f"{name}_changelist")).status_code == 200
    first = model._default_manager.first()
    if first is not None:
        assert boss.get(reverse(f"{name}_change", args=[first.pk])).status_code == 200


def test_a_key_is_shown_once_and_stored_hashed(boss, partner):
    fields = {"partner": partner.pk, "name": "Nightly import", "scopes": "facts:write scores:read"}
    page = boss.post(reverse("admin:accounts_partnerkey_add"), fields, follow=True)
    key = PartnerKey.objects.get()
    secret = next(str(said) for said in page.context["messages"]).rsplit(" ", 1)[-1]
    assert PartnerKey.objects.get_from_key(secret) == key
    assert secret not in boss.get(reverse("admin:accounts_partnerkey_change", args=[key.pk])).text
    assert secret not in f"{key.id}{key.hashed_key}"


@pytest.mark.parametrize("scopes", ["facts:write everything", "facts:write,scores:read", ""])
def test_a_key_with_unknown_scopes_is_not_made(boss, partner, scopes):
    fields = {"partner": partner.pk, "name": "Nightly import", "scopes": scopes}
    assert boss.post(reverse("admin:accounts_partnerkey_add"), fields).status_code == 200
    assert not PartnerKey.objects.exists()


def test_keys_and_partners_are_never_deleted(boss, rows):
    for model in (PartnerKey, Partner):
        address = reverse(f"admin:accounts_{model._meta.model_name}_delete", args=[model.objects.first().pk])
        before = model.objects.count()
        assert boss.post(address, {"post": "yes"}).status_code == 403
        assert model.objects.count() == before


def test_a_manager_makes_staff_but_no_superusers(boss):
    page = boss.get(reverse("admin:accounts_user_add")).text
    assert "is_superuser" not in page
    fields = {"username": "piet", "email": "piet@tutorscore.example", "role": "support_staff"}
    fields |= {"timezone": "Europe/London", "usable_password": "true", "is_superuser": "on"}
    fields |= {"password1": "a-long-enough-passphrase", "password2": "a-long-enough-passphrase"}
    assert boss.post(reverse("admin:accounts_user_add"), fields).status_code == 302
    piet = User.objects.get(username="piet")
    assert (piet.role, piet.is_superuser, piet.check_password("a-long-enough-passphrase")) == (
        "support_staff", False, True,
    )  # fmt: skip
