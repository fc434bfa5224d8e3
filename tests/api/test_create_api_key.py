"""The command that makes keys: printed once, stored hashed, with scopes and an end."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.factories import PartnerFactory
from tutorscore.accounts.models import PartnerKey

pytestmark = pytest.mark.django_db


def make_key(*args, **options):
    said = StringIO()
    call_command("create_api_key", *args, stdout=said, stderr=StringIO(), **options)
    return said.getvalue().strip()


def test_key_works_once_made_and_is_stored_hashed():
    partner = PartnerFactory(slug="acme")
    secret = make_key("--partner=acme", "--name=booking", "--days=30", "--scopes", "facts:write", "scores:read")
    key = PartnerKey.objects.get_from_key(secret)
    assert (key.partner, key.name, key.scopes) == (partner, "booking", "facts:write scores:read")
    assert timedelta(days=29) < key.expiry_date - timezone.now() <= timedelta(days=30)
    assert secret.partition(".")[2] not in key.hashed_key


def test_unknown_partner_is_named_with_those_that_exist():
    PartnerFactory(slug="acme")
    with pytest.raises(CommandError, match=r"no partner 'nobody'. Known: acme"):
        make_key("--partner=nobody")
    assert not PartnerKey.objects.exists()


def test_key_must_last_at_least_a_day():
    PartnerFactory(slug="acme")
    with pytest.raises(CommandError, match="at least 1"):
        make_key("--partner=acme", "--days=0")
