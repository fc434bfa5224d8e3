"""Figures over time: the score of a tutor with its likely range, and the small line of a table row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tutorscore.front.formats import clock, day

WIDTH, HEIGHT = 752, 236
LEFT, RIGHT, TOP, BOTTOM = 4.0, 700.0, 30.0, 206.0
FINEST_SPAN = 20.0  # points of score: a flatter life than this is drawn flat


class Point(NamedTuple):
    """A score that held from ``at`` on, with its 90 % range."""

    at: datetime
    score: float
    low: float
    high: float


class Mark(NamedTuple):
    """Something that was done or released; drawn as a dashed line."""

    at: datetime
    words: str


@dataclass(frozen=True)
class Figure:
    """A drawing, the sentence that says the same, and the rows behind "Show as table"."""

    svg: SafeString
    days: int
    sentence: str
    rows: list[tuple[str, str, str]]


def score_figure(points: Sequence[Point], since: datetime, until: datetime, marks: Sequence[Mark] = ()) -> Figure:
    """The score from ``since`` to ``until``; each point holds until the next one. Needs at least one point."""
    floor, ceiling, step = _value_scale(points)

    def x(at: datetime) -> float:
        share = (at - since) / (until - since)
        return LEFT + min(max(share, 0.0), 1.0) * (RIGHT - LEFT)

    def y(value: float) -> float:
        return BOTTOM - (min(max(value, floor), ceiling) - floor) / (ceiling - floor) * (BOTTOM - TOP)

    held = _held(points, since, until)
    line = " ".join(f"{x(at):.1f},{y(point.score):.1f}" for at, point in held)
    upper = [f"{x(at):.1f},{y(point.high):.1f}" for at, point in held]
    lower = [f"{x(at):.1f},{y(point.low):.1f}" for at, point in held]
    last = points[-1]
    sentence = _sentence(points)
    svg = format_html(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}'
        '<polygon class="f-accent-2" points="{}"/><polyline class="l-accent" points="{}"/>'
        '<circle class="f-accent l-surface" cx="{}" cy="{}" r="5"/>'
        '<text class="t-ink" x="{}" y="{}" text-anchor="end">{}</text></svg>',
        *(WIDTH, HEIGHT, f"Tutor score, {day(since)} to {day(until)}. {sentence}"),
        *(_grid(floor, ceiling, step, y), _months(since, until, x), _marks(marks, x)),
        *(" ".join(upper + lower[::-1]), line, f"{RIGHT:.1f}", f"{y(last.score):.1f}"),
        *(f"{RIGHT + 2:.1f}", f"{y(last.high) - 7:.1f}", round(last.score)),
    )
    rows = [
        (f"{day(point.at)} {clock(point.at)}", str(round(point.score)), f"{round(point.low)} to {round(point.high)}")
        for point in points
    ]
    return Figure(svg, round((until - since) / timedelta(days=1)), sentence, rows)


def sparkline(values: Sequence[float | None], words: str, finest_span: float = FINEST_SPAN) -> SafeString:
    """A line the size of a word. ``finest_span`` is the least range drawn in full height, so that noise stays flat.

    Missing values are skipped; fewer than two leave the cell empty.
    """
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return SafeString("")
    width, top, bottom = 68.0, 3.0, 19.0
    lowest, highest = min(value for _, value in known), max(value for _, value in known)
    span = max(highest - lowest, finest_span)
    base = (lowest + highest - span) / 2
    step = (width - 2) / (len(values) - 1)
    points = [(2 + index * step, bottom - (value - base) / span * (bottom - top)) for index, value in known]
    end = points[-1]
    return format_html(
        '<svg class="ts-spark" viewBox="0 0 72 22" role="img" aria-label="{}">'
        '<polyline class="l-spark" points="{}"/><circle class="f-ink" cx="{}" cy="{}" r="2.2"/></svg>',
        *(words, " ".join(f"{px:.1f},{py:.1f}" for px, py in points), f"{end[0]:.1f}", f"{end[1]:.1f}"),
    )


def _value_scale(points: Sequence[Point]) -> tuple[float, float, float]:
    """Whole tens around everything drawn, at least 30 wide, and a step that makes few lines."""
    floor = min(point.low for point in points) // 10 * 10
    ceiling = -(-max(point.high for point in points) // 10) * 10
    if ceiling - floor < 30:
        floor = max(0.0, min(floor - 10, 70.0))
        ceiling = max(ceiling, floor + 30)
    floor, ceiling = max(floor, 0.0), min(ceiling, 100.0)
    return floor, ceiling, 10.0 if ceiling - floor <= 40 else 20.0


def _held(points: Sequence[Point], since: datetime, until: datetime) -> list[tuple[datetime, Point]]:
    """The corners of the step line, each step made a slope of a few hours so that the range stays a smooth band."""
    corners: list[tuple[datetime, Point]] = []
    slope = (until - since) / 180
    for index, point in enumerate(points):
        start = max(point.at, since)
        if corners:
            corners.append((max(start - slope, corners[-1][0]), points[index - 1]))
        corners.append((start, point))
    corners.append((until, points[-1]))
    return corners


def _grid(floor: float, ceiling: float, step: float, y: Callable[[float], float]) -> SafeString:
    values = [floor + step * index for index in range(int((ceiling - floor) // step) + 1)]
    return format_html_join(
        "",
        '<line class="l-grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text class="t-2" x="710" y="{}">{}</text>',
        ((LEFT, RIGHT, f"{y(v):.1f}", f"{y(v):.1f}", f"{y(v) + 4:.1f}", round(v)) for v in values),
    )


def _months(since: datetime, until: datetime, x: Callable[[datetime], float]) -> SafeString:
    first = timezone.localtime(since).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    starts = []
    month = first
    while month < until:
        if month > since:
            starts.append(month)
        month = (month + timedelta(days=32)).replace(day=1)
    return format_html_join(
        "",
        '<line class="l-axis" x1="{}" x2="{}" y1="206" y2="210"/><text x="{}" y="225">{}</text>',
        ((f"{x(m):.1f}", f"{x(m):.1f}", f"{x(m):.1f}", f"1 {m:%b}") for m in starts),
    )


def _marks(marks: Sequence[Mark], x: Callable[[datetime], float]) -> SafeString:
    return format_html_join(
        "",
        '<line class="l-mark" x1="{}" x2="{}" y1="24" y2="206"/>'
        '<text class="t-2" x="{}" y="18" text-anchor="middle">{}</text>',
        ((f"{x(m.at):.1f}", f"{x(m.at):.1f}", f"{x(m.at):.1f}", m.words) for m in marks),
    )


def _sentence(points: Sequence[Point]) -> str:
    first, last = points[0], points[-1]
    lowest, highest = min(points, key=lambda p: p.score), max(points, key=lambda p: p.score)
    likely = f"likely {round(last.low)} to {round(last.high)}"
    ends = f"{round(first.score)} on {day(first.at)}, {round(last.score)} now, {likely}"
    if highest.score - lowest.score < 3:
        return f"{ends}; level in between."
    low, high = (f"{round(point.score)} on {day(point.at)}" for point in (lowest, highest))
    return f"{ends}; lowest {low}, highest {high}."
