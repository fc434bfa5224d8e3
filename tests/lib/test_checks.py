import importlib.util

import pytest

from tutorscore.lib import checks


def test_a_second_driver_is_refused(monkeypatch):
    assert checks.only_one_driver(None) == []
    monkeypatch.setattr(checks, "find_spec", lambda name: importlib.util.find_spec("json"))
    assert [error.id for error in checks.only_one_driver(None)] == ["tutorscore.E001"]


@pytest.mark.django_db
def test_an_old_postgresql_is_refused_with_the_fix(monkeypatch):
    assert checks.recent_postgresql(None, databases=["default"]) == []
    monkeypatch.setattr(checks, "OLDEST_POSTGRESQL", 990_000)
    (error,) = checks.recent_postgresql(None, databases=["default"])
    assert error.id == "tutorscore.E002"
    assert "embedded" in error.hint
