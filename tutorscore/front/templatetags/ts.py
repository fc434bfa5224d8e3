"""The words of ``front.formats`` and the small components, for templates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import urlencode

from tutorscore.accounts.models import User
from tutorscore.front import formats, levels, zones

register = template.Library()

for word in (
    formats.percent,
    formats.in_hundred,
    formats.signed,
    formats.number,
    formats.count,
    formats.clock,
    formats.day,
    formats.long_day,
    formats.span,
    formats.mid,
):
    register.filter(word.__name__, word)
register.filter("place", zones.place)
register.filter("there", zones.there)
register.filter("clock_in", zones.clock_in)


@register.filter
def stamp(moment: datetime | None) -> str:
    return formats.stamp(moment, timezone.now())


@register.filter
def relative_day(moment: datetime | None) -> str:
    return formats.relative_day(moment, timezone.now())


@register.filter
def words(code: str) -> str:
    """A code such as ``late_booking`` as people read it."""
    return code.replace("_", " ")


@register.filter
def person(user: User | None) -> str:
    """How colleagues call a member of staff; nothing for nobody."""
    return "" if user is None else user.get_full_name() or user.username


@register.filter
def subjects(names: Sequence[str]) -> str:
    """``Maths, physics``: the first two, then how many more."""
    shown = ", ".join(names[:2]).capitalize()
    return f"{shown} and {len(names) - 2} more" if len(names) > 2 else shown


@register.inclusion_tag("components/level.html")
def level(name: str, text: str = "") -> dict[str, Any]:
    """A level as word, bars and colour; ``text`` replaces the word, for example by a number that the bars go with."""
    look = levels.look(name)
    return {"look": look, "text": text or look.words}


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """The page's own query with some parameters changed; an empty value removes one, any change leaves the page."""
    request: HttpRequest = context["request"]
    parameters = {name: request.GET.getlist(name) for name in request.GET if name != "page"}
    for name, value in changes.items():
        parameters[name] = [] if value in ("", None) else [str(value)]
    return "?" + urlencode({name: values for name, values in parameters.items() if values}, doseq=True)


@register.inclusion_tag("components/heading.html", takes_context=True)
def heading(context: template.Context, column: Any, sort: str) -> dict[str, Any]:
    """A column's heading; one that can be sorted by is a link, and chosen again it turns the order round."""
    name = column.sort.removeprefix("-")
    is_chosen = bool(name) and sort.removeprefix("-") == name
    turned = name if sort.startswith("-") else f"-{name}"
    return {
        "column": column,
        "href": query(context, sort=turned if is_chosen else column.sort) if name else "",
        "direction": ("descending" if sort.startswith("-") else "ascending") if is_chosen else "",
    }
