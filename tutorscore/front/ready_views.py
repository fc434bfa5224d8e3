"""Ready-made ways to look at a list: a name, the filters it stands for, and how many rows stand behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.http import urlencode

NOT_FILTERS = ("page", "partner")


@dataclass(frozen=True)
class ReadyView:
    words: str
    href: str
    count: int | None
    is_here: bool


def ready_views(
    request: HttpRequest,
    views: Iterable[tuple[str, dict[str, str], int | None]],
    keep: Sequence[str] = (),
) -> list[ReadyView]:
    """``keep`` names parameters that every view takes along; the view whose filters are the page's own is marked."""
    kept = {name: request.GET[name] for name in keep if request.GET.get(name)}
    chosen = {name: value for name, value in request.GET.items() if value and name not in NOT_FILTERS}
    return [
        ReadyView(words, "?" + urlencode(kept | query), count, kept | query == chosen) for words, query, count in views
    ]
