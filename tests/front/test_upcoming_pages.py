from datetime import timedelta

import pytest

from tests.factories import (
    NOON,
    DecisionFactory,
    DeliveryFactory,
    ModelVersionFactory,
    PredictionFactory,
    SessionFactory,
)
from tests.front.factories import AlertFactory


@pytest.fixture
def models(db):
    return {target: ModelVersionFactory(target=target) for target in ("first_session_poor", "reschedule")}


@pytest.fixture
def ask(partner, models):
    """A session ``hours`` ahead with an answer for a target."""

    def make(hours, level="CRITICAL", probability=0.74, target="first_session_poor", **session):
        found = SessionFactory(tutor__partner=partner, scheduled_start=NOON + timedelta(hours=hours), **session)
        DecisionFactory(
            session=found, target=target, level=level, probability=probability, model_version=models[target]
        )
        return found

    return make


def shown(page):
    return [row.session for part in page.context["parts"] for row in part.rows]


def test_unasked_for_the_next_days_critical_and_high_are_shown(staff, ask):
    soon, high = ask(3), ask(5, "HIGH", 0.55)
    ask(6, "MEDIUM", 0.35)
    ask(30)
    page = staff.get("/upcoming/")
    assert shown(page) == [soon, high]
    assert page.context["counts"] | {"mine": 0} == {
        "all": 3, "first": 3, "unasked": 0, "mine": 0, "LOW": 0, "MEDIUM": 1, "HIGH": 1, "CRITICAL": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("query", "places"), [
    ("days=3", [0, 1, 3]),
    ("level=any", [0, 1, 2]),
    ("level=medium", [2]),
    ("risk=reschedule&level=any", [0, 1, 2]),
    ("risk=reschedule", []),
    ("days=999&level=wicked", [0, 1]),
])  # fmt: skip
def test_the_address_chooses_days_levels_and_risks(staff, ask, query, places):
    sessions = [ask(3), ask(5, "HIGH", 0.55), ask(6, "MEDIUM", 0.35), ask(30)]
    found = shown(staff.get(f"/upcoming/?{query}"))
    if "wicked" in query:
        assert found in ([sessions[0], sessions[1]], [sessions[0], sessions[1], sessions[2]])
    else:
        assert found == [sessions[place] for place in places]


def test_a_question_that_was_not_asked_is_a_dash_not_a_zero(staff, ask):
    ask(3, "HIGH", 0.4, target="reschedule")
    row = staff.get("/upcoming/").context["parts"][0].rows[0]
    assert [risk and risk.probability for risk in row.risks] == [None, 0.4]


def test_the_usual_rate_stands_in_the_heading(staff, ask):
    ask(3)
    questions = staff.get("/upcoming/").context["questions"]
    assert [(question.words, question.usual) for question in questions] == [
        ("Poor first", 0.13),
        ("Reschedule", None),
    ]


def test_rows_stand_under_their_part_of_the_day(staff, ask):
    ask(3)
    ask(8)
    ask(21)
    words = [part.words for part in staff.get("/upcoming/").context["parts"]]
    assert words == ["Today, afternoon", "Today, evening", "Tomorrow, morning"]


def test_the_reason_named_first_adds_risk(staff, ask):
    ask(3)
    assert "Rated 3.4 over 12 sessions" in staff.get("/upcoming/").text


def test_done_so_far_tells_mail_and_owner_but_never_the_arm(staff, ask, rosa):
    mailed, withheld = ask(3), ask(4)
    DeliveryFactory(session=mailed, prediction=None, state="sent", sent_at=NOON)
    DeliveryFactory(session=withheld, prediction=None, state="withheld", note="control")
    AlertFactory(tutor=withheld.tutor, session=withheld, state="acknowledged", owner=rosa, acknowledged_at=NOON)
    rows = staff.get("/upcoming/").context["parts"][0].rows
    assert [(row.mail, row.alert) for row in rows] == [("Mail sent", ""), ("", "Rosa Imhof since 12:00")]
    text = staff.get("/upcoming/").text.lower()
    assert "withheld" not in text
    assert "control arm" not in text and "(control)" not in text


def test_a_moved_session_and_an_old_answer_do_not_count(staff, ask, models):
    moved = ask(3)
    moved.status = "rescheduled"
    moved.save()
    calm = ask(4, "LOW", 0.1)
    PredictionFactory(
        session=calm, target="reschedule", level="HIGH", is_latest=False, model_version=models["reschedule"]
    )
    assert shown(staff.get("/upcoming/?level=any")) == [calm]
    assert shown(staff.get("/upcoming/")) == []


def test_when_nothing_is_risky_the_page_says_so_and_offers_the_rest(staff, ask):
    ask(4, "LOW", 0.1)
    page = staff.get("/upcoming/").text
    assert "No session is at high or critical risk" in page
    assert "Show all 1" in page


def test_a_list_costs_the_same_for_three_and_for_thirty(staff, ask, django_assert_num_queries):
    for hours in range(3):
        ask(hours + 1)
    with django_assert_num_queries(15):
        staff.get("/upcoming/?level=any")
    for minutes in range(27):
        DeliveryFactory(session=ask(5 + minutes / 60), prediction=None, state="sent", sent_at=NOON)
    with django_assert_num_queries(15):
        assert len(shown(staff.get("/upcoming/?level=any"))) == 25


def test_a_session_shows_reasons_that_add_up(staff, ask):
    session = ask(3)
    page = staff.get(f"/sessions/{session.pk}/")
    risk = page.context["risks"][0]
    assert risk.base + sum(reason.weight for reason in risk.reasons) == pytest.approx(risk.total)
    assert "74</b> of 100 first sessions like this one end rated below 3 of 5" in page.text
    assert page.text.count("<svg") >= len(risk.reasons)


def test_an_answer_from_a_rate_says_so(staff, ask):
    session = ask(3)
    session.predictions.update(basis="rate", reasons={})
    text = " ".join(staff.get(f"/sessions/{session.pk}/").text.split())
    assert "Too little is known for a model" in text


def test_a_session_nobody_asked_about_has_a_page(staff, partner):
    session = SessionFactory(tutor__partner=partner, scheduled_start=NOON + timedelta(days=40))
    assert "No question was asked about this session" in staff.get(f"/sessions/{session.pk}/").text
