"""Who may enter the demo: one member of staff per role, with passwords of this installation only."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import reverse

from apps.tutors.models import Tutor
from tutorscore.accounts.actions import ensure_partner, ensure_user
from tutorscore.accounts.models import Partner, Role

PARTNER = "demo"
STAFF = (
    ("rosa", "Rosa Imhof", Role.SUCCESS_MANAGER),
    ("piet", "Piet Aalders", Role.SUPPORT_STAFF),
    ("lena", "Lena Fuchs", Role.READ_ONLY),
)
PAGES = (
    ("Today: who needs you, why, and what to do", "today"),
    ("Upcoming sessions with their risks", "upcoming"),
    ("Tutors with score, range and level", "tutors"),
    ("Outbox: every mail as it was sent", "outbox"),
)


def guide_file() -> Path:
    """Logins and links for the greeting; readable by the owner alone, for it holds the demo's passwords."""
    return Path(settings.HOME) / "demo_guide.json"


def make_people() -> Partner:
    """The demo partner and its staff. Passwords are drawn once a home and kept in the guide file."""
    partner = ensure_partner(slug=PARTNER, name="Demo marketplace", trains_models=True)
    passwords = {login["email"]: login["password"] for login in read_guide().get("logins", [])}
    for username, name, role in STAFF:
        email = _email(username)
        passwords.setdefault(email, "-".join(secrets.token_hex(2) for _ in range(4)))
        ensure_user(username=username, email=email, name=name, role=role, password=passwords[email])
    _write({"logins": [_login(username, role, passwords) for username, _, role in STAFF], "links": []})
    return partner


def write_links(tutor: Tutor | None) -> None:
    """The pages to look at first; the tutor is one whose page has much to say."""
    links = [{"title": title, "path": reverse(name)} for title, name in PAGES]
    if tutor:
        path = reverse("tutor", kwargs={"pk": tutor.pk})
        links.insert(1, {"title": "One tutor: what changed, and why", "path": path})
    _write(read_guide() | {"links": links})


def read_guide() -> dict[str, Any]:
    return dict(json.loads(guide_file().read_text())) if guide_file().exists() else {}


def _login(username: str, role: Role, passwords: dict[str, str]) -> dict[str, str]:
    return {"email": _email(username), "password": passwords[_email(username)], "role": str(role.label)}


def _email(username: str) -> str:
    return f"{username}@tutorscore.example"


def _write(guide: dict[str, Any]) -> None:
    draft = guide_file().with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(guide, indent=2))
    draft.replace(guide_file())
