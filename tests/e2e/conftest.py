"""A real browser on a live server. Without a Chromium these tests say they are skipped; CI does not let them."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from tests.e2e.world import make_world
from tests.factories import UserFactory

# Playwright's synchronous interface runs an event loop in this thread; the tests still do one thing at a time.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

PASSWORD = "a-long-enough-passphrase"


def find_chromium() -> str | None:
    return os.environ.get("CHROMIUM") or next(
        filter(None, (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))), None
    )


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    found = find_chromium()
    if found is None:
        if os.environ.get("BROWSER_REQUIRED") == "1":
            pytest.fail("BROWSER_REQUIRED=1, but no Chromium was found; install one or name it in CHROMIUM.")
        pytest.skip("No Chromium was found; install one or name it in CHROMIUM.")
    return browser_type_launch_args | {"executable_path": found, "args": ["--no-sandbox", "--disable-gpu"]}


@pytest.fixture
def world(transactional_db):
    cache.clear()
    people = {
        role: UserFactory(username=name, first_name=name.title(), last_name="Imhof", role=role)
        for name, role in (("rosa", "support_staff"), ("mona", "success_manager"), ("remi", "read_only"))
    }
    for person in people.values():
        person.set_password(PASSWORD)
        person.save()
    return make_world(timezone.now() + timedelta(minutes=1))


@pytest.fixture
def visit(live_server, page):
    """Open an address, and remember what the browser complained about."""

    class Visit:
        def __init__(self) -> None:
            self.page, self.complaints = page, []
            page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))
            page.on("pageerror", lambda error: self.complaints.append(str(error)))

        def open(self, address: str):
            answer = page.goto(live_server.url + address)
            page.wait_for_load_state("networkidle")
            return answer

        def sign_in(self, name: str) -> None:
            self.open("/accounts/login/")
            page.get_by_label("Login").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_load_state("networkidle")

    return Visit()
