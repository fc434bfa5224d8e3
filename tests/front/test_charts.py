import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from tests.factories import NOON
from tutorscore.front.charts import (
    Mark,
    Point,
    odds_strip,
    part_bar,
    range_bar,
    score_figure,
    sparkline,
    weight_bar,
)

SINCE = NOON - timedelta(days=90)
BANDS = ((0.7, "CRITICAL"), (0.5, "HIGH"), (0.3, "MEDIUM"))


def drawn(svg):
    return ElementTree.fromstring(svg)


def circle(svg):
    return drawn(svg).find("circle").attrib


def line_of(svg):
    points = drawn(svg).find("polyline").attrib["points"]
    return [tuple(float(part) for part in point.split(",")) for point in points.split()]


def test_a_score_lies_inside_its_range():
    svg = range_bar(60, 50, 70, "medium")
    assert circle(svg)["cx"] == "56"  # half way from 20 to 100 on 112 units
    bar = drawn(svg).findall("rect")[1].attrib
    assert (float(bar["x"]), float(bar["width"])) == (42.0, 28.0)
    assert drawn(svg).attrib["aria-label"] == "60, likely 50 to 70"


def test_a_score_off_the_scale_stays_visible():
    assert circle(range_bar(2, 0, 10, "critical"))["cx"] == "4"
    assert circle(range_bar(100, 96, 100, "low"))["cx"] == "108"


def test_a_part_is_as_long_as_its_share():
    rects = drawn(part_bar(14, 30, 24, "high")).findall("rect")
    assert [rect.attrib.get("width") for rect in rects] == ["120", "56", "1.5"]
    assert rects[2].attrib["x"] == "94.8"
    assert len(drawn(part_bar(14, 30, None, "high")).findall("rect")) == 2


def test_weights_point_to_their_side_and_share_one_scale():
    adds, takes, small = (drawn(weight_bar(weight, 2.0)).find("rect").attrib for weight in (2.0, -0.5, 1.0))
    assert (adds["x"], adds["width"], adds["class"]) == ("24", "46", "f-high")
    assert float(takes["x"]) + float(takes["width"]) == 24
    assert takes["class"] == "f-good"
    assert float(small["width"]) == 23


def test_odds_stand_in_their_band_beside_the_usual_rate():
    svg = odds_strip(0.74, 0.13, BANDS)
    assert drawn(svg).attrib["aria-label"] == (
        "Estimate 74 in 100, usual 13 in 100. medium from 30; high from 50; critical from 70."
    )
    assert circle(svg)["class"] == "f-critical l-surface"
    assert pytest.approx(float(circle(svg)["cx"]), abs=0.1) == 380 * 0.74 / 1.0
    assert "usual 13" in svg


def test_odds_without_a_usual_rate_claim_none():
    assert "usual" not in odds_strip(0.74, None, BANDS)


def test_words_of_near_odds_do_not_overlap():
    assert "this one 15" in odds_strip(0.15, 0.13, BANDS)
    assert ">usual 13<" not in odds_strip(0.15, 0.13, BANDS)


def test_a_score_holds_until_the_next_change_and_ends_now():
    points = [Point(SINCE, 60, 55, 65), Point(NOON - timedelta(days=9), 48, 43, 53)]
    figure = score_figure(points, SINCE, NOON)
    corners = line_of(figure.svg)
    assert corners[0][0] == 4.0
    assert corners[-1][0] == 700.0
    assert corners[1][1] == corners[0][1], "level until the change"
    assert corners[-1][1] == corners[-2][1], "level since the change"
    assert corners[-1][1] > corners[0][1], "down on the page is down in the score"
    assert corners[-2][0] == pytest.approx(4 + 696 * 81 / 90, abs=0.1)


def test_the_figure_says_in_words_what_it_shows():
    points = [Point(SINCE, 60, 55, 65), Point(NOON - timedelta(days=9), 48, 43, 53)]
    figure = score_figure(points, SINCE, NOON)
    assert figure.sentence == (
        "60 on 2 Dec 2025, 48 now, likely 43 to 53; lowest 48 on 21 Feb, highest 60 on 2 Dec 2025."
    )
    assert figure.rows[-1] == ("21 Feb 12:00", "48", "43 to 53")


def test_a_change_of_ours_is_marked():
    svg = score_figure([Point(SINCE, 60, 55, 65)], SINCE, NOON, [Mark(NOON - timedelta(days=45), "weights v2")]).svg
    mark = next(line for line in drawn(svg).findall("line") if line.attrib["class"] == "l-mark")
    assert mark.attrib["x1"] == "352.0"
    assert "weights v2" in svg


def test_words_of_a_mark_cannot_become_markup():
    svg = score_figure([Point(SINCE, 60, 55, 65)], SINCE, NOON, [Mark(NOON, "<script>")]).svg
    assert "<script>" not in svg


def test_noise_does_not_look_like_a_fall():
    flat = [float(re.split("[ ,]", point)[1]) for point in _points(sparkline([60, 61, 60], "level"))]
    steep = [float(re.split("[ ,]", point)[1]) for point in _points(sparkline([60, 40, 30], "falling"))]
    assert max(flat) - min(flat) < 1
    assert max(steep) - min(steep) == 16


def test_weeks_without_a_value_are_skipped_in_place():
    points = _points(sparkline([10, None, 30], "rising"))
    assert [point.split(",")[0] for point in points] == ["2.0", "68.0"]


def test_a_single_value_is_no_line():
    assert sparkline([None, 60, None], "once") == ""


def _points(svg):
    return drawn(svg).find("polyline").attrib["points"].split()
