"""Signed links of a mail. Whoever has the mail may act on it, by POST only: link scanners open every link with GET."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

STOP, RESUME = "stop", "resume"
LIFETIME = timedelta(days=60)
"""After this a link says that it is too old. A request to stop mails has to work for at least 30 days."""

HIDDEN = "#link-for-the-tutor"

_SALT = "apps.alerts.mail.links"


class BadLinkError(Exception):
    """The link was changed, is too old or names nothing we know."""


@dataclass(frozen=True)
class Link:
    public_id: UUID
    action: str


def link_to(public_id: UUID, action: str) -> str:
    """The absolute address of the page where the tutor confirms ``action``."""
    return _address(signing.dumps([public_id.hex, action], salt=_SALT))


def hide_links(body: str) -> str:
    """A body in which signed links lead nowhere: whoever looks at a mail must not act in the tutor's name."""
    return re.sub(re.escape(_address("")) + r"[\w:-]+", HIDDEN, body)


def read_link(token: str) -> Link:
    """What a token stands for; raises :class:`BadLinkError`."""
    try:
        public_id, action = signing.loads(token, salt=_SALT, max_age=LIFETIME)
    except signing.BadSignature as error:
        raise BadLinkError from error
    return Link(UUID(public_id), action)


def _address(token: str) -> str:
    return f"{settings.BASE_URL.rstrip('/')}{reverse('mail_reply', args=['-']).removesuffix('-')}{token}"
