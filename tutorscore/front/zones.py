"""Times are shown in the reader's zone; where someone else lives by another clock, theirs stands in brackets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone


class ZoneMiddleware:
    """Activates the signed-in reader's zone for the length of the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        with timezone.override(zone(request.user.timezone)):
            return self.get_response(request)


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """The zone of an IANA name; UTC for a name that a partner or an admin mistyped."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def place(name: str) -> str:
    """The town a zone is named after: ``Europe/Berlin`` is Berlin, ``America/Argentina/Buenos_Aires`` Buenos Aires."""
    return name.rsplit("/", 1)[-1].replace("_", " ")


def clock_in(moment: datetime, zone_name: str) -> str:
    """The clock on another wall: ``10:05``."""
    return f"{moment.astimezone(zone(zone_name)):%H:%M}"


def there(moment: datetime, zone_name: str) -> str:
    """The same moment on another wall: ``12:30 Berlin``, with the weekday when it is another day there."""
    here, other = timezone.localtime(moment), moment.astimezone(zone(zone_name))
    clock = f"{other:%H:%M}" if here.date() == other.date() else f"{other:%a %H:%M}"
    return f"{clock} {place(zone_name)}"
