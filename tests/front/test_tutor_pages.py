from datetime import timedelta

import pytest

from tests.factories import (
    NOON,
    DecisionFactory,
    FeedbackFactory,
    PartnerFactory,
    RescheduleFactory,
    SessionFactory,
    TutorFactory,
)
from tests.front.factories import ScoreChangeFactory, TutorScoreFactory, drivers, metrics


def names_in(page):
    return [row.tutor.name for row in page.context["rows"]]


@pytest.fixture
def three(partner):
    """Dario is low, Hana high, Wanjiru unscored."""
    dario = TutorFactory(partner=partner, name="Dario Quint", subjects=["mathematics", "physics"])
    hana = TutorFactory(partner=partner, name="Hana Kova", subjects=["german"])
    wanjiru = TutorFactory(partner=partner, name="Wanjiru Odera", subjects=["mathematics"])
    TutorScoreFactory(tutor=dario, reschedule_rate_90d=0.1329, rating_90d=4.1)
    TutorScoreFactory(
        tutor=hana, score=81.0, level="exemplary", reschedule_rate_90d=0.21, rating_90d=4.6, over_reschedule_limit=True
    )
    TutorScoreFactory(tutor=wanjiru, score=None, level="not_enough_data", drivers=[], sessions_90d=3, metrics=metrics())
    return dario, hana, wanjiru


def test_lowest_score_comes_first_and_too_few_data_last(staff, three):
    assert names_in(staff.get("/tutors/")) == ["Dario Quint", "Hana Kova", "Wanjiru Odera"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=dario", ["Dario Quint"]),
        ("q=mathematics", ["Dario Quint", "Wanjiru Odera"]),
        ("level=exemplary", ["Hana Kova"]),
        ("level=not_enough_data", ["Wanjiru Odera"]),
        ("badge=moves", ["Hana Kova"]),
        ("owner=none&sort=-score", ["Hana Kova", "Dario Quint", "Wanjiru Odera"]),
        ("sort=-moved", ["Hana Kova", "Dario Quint", "Wanjiru Odera"]),
        ("sort=rating", ["Dario Quint", "Hana Kova", "Wanjiru Odera"]),
        ("sort=-name", ["Wanjiru Odera", "Hana Kova", "Dario Quint"]),
        ("q=nobody", []),
    ],
)
def test_the_address_filters_and_sorts(staff, three, query, names):
    assert names_in(staff.get(f"/tutors/?{query}")) == names


def test_a_filter_nobody_offers_is_ignored_without_an_error(staff, three):
    assert staff.get("/tutors/?level=wicked&sort=secret&page=99").status_code == 200


def test_filtering_by_subject_and_owner(staff, three, rosa):
    from apps.tutors.models import Subject

    Subject.objects.create(partner=three[0].partner, name="physics")
    three[1].owner = rosa
    three[1].save()
    assert names_in(staff.get("/tutors/?subject=physics")) == ["Dario Quint"]
    assert names_in(staff.get(f"/tutors/?owner={rosa.pk}")) == ["Hana Kova"]


def test_raw_counts_stay_beside_the_rate(staff, three):
    page = staff.get("/tutors/?q=dario").text
    assert "13.3\u202f%" in page
    assert "19 of 143" in page


def test_tutors_of_another_partner_and_those_who_left_are_not_listed(staff, three):
    TutorFactory(name="Somebody Else")
    TutorFactory(partner=three[0].partner, name="Long Gone", left_at=NOON - timedelta(days=9))
    assert "Somebody Else" not in staff.get("/tutors/").text
    assert "Long Gone" not in staff.get("/tutors/").text


def test_the_partner_is_chosen_in_the_address_and_remembered(staff, three):
    other = PartnerFactory(slug="other")
    TutorFactory(partner=other, name="Somebody Else")
    assert names_in(staff.get("/tutors/?partner=other")) == ["Somebody Else"]
    assert names_in(staff.get("/tutors/")) == ["Somebody Else"]
    assert names_in(staff.get("/tutors/?partner=demo"))[0] == "Dario Quint"


def test_scratch_partners_are_never_offered(staff, three):
    PartnerFactory(slug="scratch", is_scratch=True)
    page = staff.get("/tutors/?partner=scratch")
    assert names_in(page)[0] == "Dario Quint"
    assert "Scratch" not in page.text


def test_a_list_costs_the_same_for_three_and_for_thirty(staff, partner, django_assert_num_queries):
    def add(count):
        for _ in range(count):
            tutor = TutorFactory(partner=partner)
            TutorScoreFactory(tutor=tutor)
            ScoreChangeFactory.create_batch(2, tutor=tutor)
            SessionFactory(tutor=tutor, scheduled_start=NOON + timedelta(days=1))

    add(3)
    with django_assert_num_queries(15):
        staff.get("/tutors/")
    add(27)
    with django_assert_num_queries(15):
        assert len(staff.get("/tutors/").context["rows"]) == 25


def test_a_tutor_shows_score_range_parts_and_ledger(staff, three):
    dario = three[0]
    ScoreChangeFactory(tutor=dario)
    ScoreChangeFactory(tutor=dario, as_of=NOON - timedelta(days=3), score=48.0, drivers=drivers(14, 12, 8, 9, 5))
    page = staff.get(f"/tutors/{dario.pk}/")
    text = " ".join(page.text.split())
    assert "48<small>of 100</small>" in text
    assert "Likely 43 to 53" in text
    assert "Higher than <1 of 100" not in text
    assert "61 to 48 since Monday 23 Feb" in text
    assert "The tutor changed: −13" in text
    assert "We changed: 0" in text
    assert sum(part.points for part in page.context["parts"]) == 48


def test_a_tutor_without_enough_sessions_has_no_score_and_no_colour(staff, three):
    page = staff.get(f"/tutors/{three[2].pk}/").text
    assert "Not enough data for a score" in page
    assert "3 resolved sessions in 90 days; a score is stated from 10 on" in " ".join(page.split())
    assert "of 100</small>" not in page


def test_a_tutor_nobody_scored_yet_has_a_page(staff, partner):
    assert staff.get(f"/tutors/{TutorFactory(partner=partner).pk}/").status_code == 200


def test_what_happened_is_said_in_words(staff, partner):
    tutor = TutorFactory(partner=partner)
    ended = {"tutor": tutor, "status": "completed"}
    late = SessionFactory(
        **ended,
        scheduled_start=NOON - timedelta(days=2),
        tutor_joined_at=NOON - timedelta(days=2) + timedelta(minutes=9),
    )
    FeedbackFactory(session=late, rating=3)
    SessionFactory(tutor=tutor, status="no_show_tutor", scheduled_start=NOON - timedelta(days=3))
    moved = SessionFactory(tutor=tutor, status="rescheduled", scheduled_start=NOON - timedelta(days=4))
    RescheduleFactory(session=moved, requested_at=moved.scheduled_start - timedelta(hours=9))
    found = staff.get(f"/tutors/{tutor.pk}/").context["sessions"]
    assert [(row.words, row.is_bad, row.rating) for row in found] == [
        ("held, 9 min late", True, 3),
        ("tutor did not turn up", True, None),
        ("moved by the tutor, 9 h 00 ahead", True, None),
    ]


def test_next_sessions_carry_their_highest_risk(staff, partner):
    session = SessionFactory(tutor__partner=partner, scheduled_start=NOON + timedelta(hours=20))
    DecisionFactory(session=session, probability=0.74, level="CRITICAL")
    page = staff.get(f"/tutors/{session.tutor_id}/")
    assert [(row.risk.level, row.risk.short) for row in page.context["coming"]] == [("CRITICAL", "poor first")]
    assert "poor first" in page.text


def test_a_tutors_page_costs_the_same_however_much_was_taught(staff, partner, django_assert_max_num_queries):
    def queries(tutor):
        with django_assert_max_num_queries(100) as captured:
            assert staff.get(f"/tutors/{tutor.pk}/").status_code == 200
        return len(captured)

    def tutor_with(sessions):
        tutor = TutorFactory(partner=partner)
        TutorScoreFactory(tutor=tutor)
        ScoreChangeFactory(tutor=tutor)
        for place in range(sessions):
            held = SessionFactory(tutor=tutor, status="completed", scheduled_start=NOON - timedelta(days=place + 1))
            FeedbackFactory(session=held)
            DecisionFactory(session=SessionFactory(tutor=tutor, scheduled_start=NOON + timedelta(days=place + 1)))
        return tutor

    few, many = tutor_with(3), tutor_with(30)
    for tutor in (few, many):  # the first view reads weeks and medians, which are kept
        staff.get(f"/tutors/{tutor.pk}/")
    assert queries(few) == queries(many)


def test_another_partners_tutor_is_not_found(staff, partner):
    assert staff.get(f"/tutors/{TutorFactory().pk}/").status_code == 404


def test_a_name_cannot_become_markup(staff, partner):
    tutor = TutorFactory(partner=partner, name="<script>alert(1)</script>")
    TutorScoreFactory(tutor=tutor)
    for address in ("/tutors/", f"/tutors/{tutor.pk}/"):
        assert "<script>alert" not in staff.get(address).text
