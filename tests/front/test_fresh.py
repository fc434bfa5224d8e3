from datetime import timedelta
from html import unescape
from re import search

import pytest
import time_machine

from tests.factories import NOON
from tutorscore.front.freshness import RISKS_JOB, SCORES_JOB
from tutorscore.lib.slots import beat


@pytest.fixture
def beats(db):
    beat(SCORES_JOB, {}, now=NOON)
    beat(RISKS_JOB, {}, now=NOON - timedelta(hours=1))


def poll_address(html):
    return unescape(search(r'hx-get="([^"]+)"', html)[1])


def test_nothing_new_is_answered_without_content(staff, beats):
    address = poll_address(staff.get("/tutors/").text)
    assert staff.get(address).status_code == 204


def test_newer_risks_are_offered_not_pushed(staff, beats):
    address = poll_address(staff.get("/tutors/?level=at_risk").text)
    beat(RISKS_JOB, {}, now=NOON)
    answer = staff.get(address)
    assert answer.status_code == 200
    assert "risks of 12:00" in answer.text
    assert 'href="/tutors/?level=at_risk">Show</a>' in answer.text
    assert staff.get(poll_address(answer.text)).status_code == 204, "told once"


def test_a_newer_score_moves_the_clock_but_offers_nothing(staff, beats):
    address = poll_address(staff.get("/tutors/").text)
    with time_machine.travel(NOON + timedelta(minutes=1), tick=False):
        beat(SCORES_JOB, {}, now=NOON + timedelta(minutes=1))
        answer = staff.get(address)
    assert "Scores as of 12:01" in answer.text
    assert "Show" not in answer.text


def test_old_figures_say_so(staff, beats):
    with time_machine.travel(NOON + timedelta(hours=3), tick=False):
        page = staff.get("/tutors/").text
    assert "Scores as of 12:00, risks of 11:00. Newer facts are not in them yet" in page


def test_before_the_first_run_nothing_is_claimed(staff):
    assert "Not scored yet, no risks yet" in staff.get("/tutors/").text


def test_the_line_links_only_into_the_application(staff, beats):
    answer = staff.get("/fresh", {"opened": "earlier", "seen": "", "page": "https://evil.example/"})
    assert 'href="/">Show</a>' in answer.text
    assert "evil" not in answer.text
