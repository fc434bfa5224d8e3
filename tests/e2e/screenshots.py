"""The pictures of the documentation, taken from a running demo: ``python -m tests.e2e.screenshots FOLDER [ADDRESS]``.

Logins and the tutor to show come from the guide that the demo leaves in its home.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SIZE = {"width": 1440, "height": 1000}
PHONE = {"width": 390, "height": 844}


def main(folder: Path, address: str) -> None:
    home = Path(os.environ.get("TUTORSCORE_HOME", ROOT / ".state"))
    guide = json.loads((home / "demo_guide.json").read_text())
    login = next(one for one in guide["logins"] if one["role"] == "Support staff")
    tutor = next(
        link["path"] for link in guide["links"] if link["path"].startswith("/tutors/") and link["path"] != "/tutors/"
    )
    pages = {"today": "/", "tutor": tutor, "tutors": "/tutors/", "upcoming": "/upcoming/?days=3", "outbox": "/outbox/"}
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport=SIZE)
        _sign_in(page, address, login)
        for name, path in pages.items():
            _take(page, address + path, folder / f"{name}.png")
        page.emulate_media(color_scheme="dark")
        _take(page, address, folder / "today-dark.png")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(PHONE)
        _take(page, address + tutor, folder / "tutor-phone.png")
        browser.close()


def _sign_in(page: Page, address: str, login: dict[str, str]) -> None:
    page.goto(f"{address}/accounts/login/")
    page.get_by_label("Login").fill(login["email"])
    page.get_by_label("Password").fill(login["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_load_state("networkidle")


def _take(page: Page, address: str, path: Path) -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "http://localhost:8000")
