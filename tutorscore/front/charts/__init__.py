"""Figures as inline SVG: geometry in attributes, colour through classes, words beside every figure.

``lines`` draws what moves over time, ``bars`` what is compared. Both are plain functions of numbers.
"""

from tutorscore.front.charts.bars import odds_strip, part_bar, range_bar, weight_bar
from tutorscore.front.charts.lines import Figure, Mark, Point, score_figure, sparkline

__all__ = [
    "Figure",
    "Mark",
    "Point",
    "odds_strip",
    "part_bar",
    "range_bar",
    "score_figure",
    "sparkline",
    "weight_bar",
]
