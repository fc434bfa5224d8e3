"""Small figures that compare: a value in its range, a part of a whole, a weight, odds beside the usual rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

RANGE_FROM, RANGE_TO = 20.0, 100.0  # scores under 20 do not occur among tutors who keep teaching


def _n(value: float) -> str:
    """A coordinate: one decimal, without a useless one."""
    return f"{value:.1f}".removesuffix(".0")


def range_bar(score: float, low: float, high: float, tone: str) -> SafeString:
    """A score as a dot in its likely range, on a scale of 20 to 100; ``tone`` is a level's colour."""
    width = 112.0

    def x(value: float) -> float:
        return (min(max(value, RANGE_FROM), RANGE_TO) - RANGE_FROM) / (RANGE_TO - RANGE_FROM) * width

    return format_html(
        '<svg class="ts-range" viewBox="0 0 112 16" role="img" aria-label="{}, likely {} to {}">'
        '<rect class="f-track" y="7.5" width="112" height="1"/>'
        '<rect class="f-{}" x="{}" y="6" width="{}" height="4" rx="2" opacity=".45"/>'
        '<circle class="f-{}" cx="{}" cy="8" r="4"/></svg>',
        *(round(score), round(low), round(high), tone),
        *(_n(x(low)), _n(max(x(high) - x(low), 1)), tone, _n(min(max(x(score), 4), width - 4))),
    )


def part_bar(points: float, of: float, middle: float | None, tone: str) -> SafeString:
    """A part of the score out of what it can give, with a stroke where the middle tutor stands."""
    share = min(max(points / of, 0.0), 1.0) if of else 0.0
    stroke = SafeString("")
    if middle is not None and of:
        at = min(max(middle / of, 0.0), 1.0) * 118.5
        stroke = format_html('<rect class="f-ink" x="{}" y="0" width="1.5" height="12"/>', _n(at))
    return format_html(
        '<svg viewBox="0 0 120 12" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="f-track" y="3" width="120" height="6" rx="2"/>'
        '<rect class="f-{}" y="3" width="{}" height="6" rx="2"/>{}</svg>',
        *(tone, _n(share * 120), stroke),
    )


def weight_bar(weight: float, largest: float) -> SafeString:
    """A reason's weight: to the right where it adds risk, to the left where it takes some away."""
    zero, room = 24.0, 46.0
    scale = room / max(abs(largest), 1e-9)
    length = max(min(abs(weight) * scale, room), 0.5)
    if weight < 0:
        length = min(length, zero - 1)
    start = zero if weight >= 0 else zero - length
    return format_html(
        '<svg viewBox="0 0 72 10" aria-hidden="true"><rect class="f-{}" x="{}" y="1" width="{}" height="8" rx="1.5"/>'
        '<rect class="f-ink" x="{}" width="1" height="10"/></svg>',
        *("high" if weight >= 0 else "good", _n(start), _n(length), _n(zero - 0.5)),
    )


def odds_strip(probability: float, usual: float | None, bands: Sequence[tuple[float, str]]) -> SafeString:
    """Odds on a scale of 0 to 100, over the level bands, beside the usual rate.

    ``bands`` are (lowest probability, level), riskiest first, as ``ml.targets.BANDS`` has them; below the last is low.
    A scale whose riskiest band starts early ends there plus half again, so that small odds keep their distance.
    """
    width = 380.0
    top = min(1.0, max(bands[0][0] * 1.45, probability * 1.1, (usual or 0) * 1.5))
    edges = [(0.0, "low"), *((lowest, level.lower()) for lowest, level in reversed(bands))]
    tone = next(level for lowest, level in reversed(edges) if probability >= lowest)

    def x(value: float) -> float:
        return min(value / top, 1.0) * width

    ends = [lowest for lowest, _ in edges[1:]] + [top]
    fields = format_html_join(
        "",
        '<rect class="s-{}" x="{}" y="22" width="{}" height="10"/><text class="t-11" x="{}" y="48">{}{}</text>',
        (
            (level, _n(x(lowest)), _n(max(x(end) - x(lowest) - 1, 0)), _n(x(lowest)), level, _from(lowest))
            for (lowest, level), end in zip(edges, ends, strict=True)
        ),
    )
    here = x(probability)
    words = f"Estimate {round(100 * probability)} in 100" + (
        "" if usual is None else f", usual {round(100 * usual)} in 100"
    )
    return format_html(
        '<svg class="ts-strip" viewBox="0 0 380 52" role="img" aria-label="{}. {}.">{}{}'
        '<circle class="f-{} l-surface" cx="{}" cy="27" r="7"/><text class="t-{}" x="{}" y="13" text-anchor="{}">'
        "this one {}</text></svg>",
        words,
        "; ".join(f"{level} from {round(100 * lowest)}" for lowest, level in edges[1:]),
        fields,
        _usual_mark(usual, here, x),
        *(tone, _n(min(max(here, 7), width - 7)), "critical" if tone == "critical" else "ink"),
        *(_n(here), _anchor(here, width), round(100 * probability)),
    )


def _usual_mark(usual: float | None, here: float, x: Callable[[float], float]) -> SafeString:
    """The usual rate; its words give way where the estimate's stand."""
    if usual is None:
        return SafeString("")
    at = x(usual)
    stroke = format_html('<rect class="f-low" x="{}" y="19" width="2" height="16"/>', _n(at))
    if abs(at - here) < 75:
        return stroke
    return stroke + format_html(
        '<text x="{}" y="13" text-anchor="{}">usual {}</text>', _n(at), _anchor(at, 380.0), round(100 * usual)
    )


def _anchor(at: float, width: float) -> str:
    if at < 40:
        return "start"
    return "end" if at > width - 40 else "middle"


def _from(lowest: float) -> str:
    return f" {round(100 * lowest)}" if lowest else ""
