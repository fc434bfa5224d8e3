"""What stands in a preparation mail, and what never does."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from icalendar import Calendar

from apps.alerts.actions.outbox import send_due
from apps.alerts.daytime import zone
from apps.alerts.mail.letter import preview
from apps.alerts.mail.words import both_times, city, first_name, one_line, part_of_day, relative_day, span
from apps.alerts.models import Delivery
from tests.alerts.channels import Recorder
from tests.factories import NOON, DeliveryFactory, FeedbackFactory, SessionFactory, StudentFactory, SubjectFactory

HOUR = timedelta(hours=1)


def sent(now=NOON, **changes):
    """The message, its text and its HTML, as a provider gets them."""
    delivery = DeliveryFactory(**changes)
    provider = Recorder()
    assert send_due(now=now, connection=provider) == {"sent": 1}
    message = provider.taken[0]
    delivery.refresh_from_db()
    return message, message.body, message.alternatives[0].content


def plain(html: str) -> str:
    inline = re.sub(r"</?(b|a|span)\b[^>]*>", "", html)
    return " ".join(unescape(re.sub(r"<style.*?</style>|<[^>]+>", " ", inline, flags=re.DOTALL)).split())


def lesson(**changes):
    """A session at 20:00 UTC on Monday 2 March: 21:00 for the tutor in Berlin."""
    student = {"name": "Emre K.", "timezone": "Europe/London", "birth_year": 2015} | changes.pop("student", {})
    session = SessionFactory(
        scheduled_start=NOON + 8 * HOUR,
        tutor__name="Zofia Adeyemi",
        subject__name="algebra",
        student__external_id="s1",
        **{f"student__{key}": value for key, value in student.items()},
        **changes,
    )
    return {"session": session}


@pytest.mark.django_db
def test_the_mail_says_who_when_in_both_zones_and_what():
    message, text, html = sent(**lesson(student={"learning_goals": "exam preparation"}))
    assert message.subject == "Emre’s first algebra session with you is today at 21:00"
    for words in (text, plain(html)):
        assert "Hello Zofia" in words
        assert "his evening you meet Emre" in words
        assert "Monday 2 March, 21:00 to 22:00" in words
        assert "Your time, Berlin. For Emre it is 20:00, London." in words
        assert "Emre, about 11 years old" in words
        assert "Algebra, 60 minutes" in words
        assert "Exam preparation" in words
        assert "Check in every ten minutes." in words
        assert "End with a small success and a plan." in words
        assert "Nothing is cancelled until we have talked." in words
    assert "TWO THINGS THAT MAY HELP" in text
    assert "Two things that may help" in html


@pytest.mark.django_db
def test_the_mail_never_shows_risk_rank_surname_or_arm():
    message, text, html = sent(**lesson(), prediction__probability=0.7342, prediction__level="CRITICAL")
    raw = message.message().as_string()
    for words in (text, plain(html), message.subject):
        assert not re.search(
            r"\brisk|73|0\.7|critical|score|\brank|level|control|experiment|probab|predict|K\.", words, re.IGNORECASE
        )
    assert "CRITICAL" not in raw and "Adeyemi" not in text


@pytest.mark.django_db
def test_names_cannot_break_out_of_the_html_or_the_headers():
    session = lesson(student={"name": "<script>alert(1)</script>", "learning_goals": "<img src=x onerror=y>"})
    type(session["session"].tutor).objects.update(name="<b>Eve</b>\r\nBcc: all@example.com")
    session["session"].tutor.refresh_from_db()
    message, text, html = sent(**session)
    assert "<script" not in html and "<img" not in html and "<b>Eve" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert(1)</script>" in text  # plain text shows what it is
    parsed = message.message()
    assert parsed["Bcc"] is None
    assert "\n" not in message.subject


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("timezone", "hours", "subject", "when"),
    [
        ("Europe/Berlin", 8, "today at 21:00", "Monday 2 March, 21:00 to 22:00"),
        ("Europe/Berlin", 20, "tomorrow, Tuesday, at 09:00", "Tuesday 3 March, 09:00 to 10:00"),
        ("America/New_York", 14, "today at 21:00", "Monday 2 March, 21:00 to 22:00"),
        ("Asia/Kolkata", 8, "tomorrow, Tuesday, at 01:30", "Tuesday 3 March, 01:30 to 02:30"),
    ],
)
def test_the_day_is_told_on_the_tutors_calendar(timezone, hours, subject, when):
    now = NOON + HOUR if timezone == "America/New_York" else NOON
    message, text, _ = sent(now=now, session__tutor__timezone=timezone, session__scheduled_start=NOON + hours * HOUR)
    assert message.subject.endswith(subject)
    assert when in text


@pytest.mark.django_db
def test_nothing_is_made_up_where_nothing_is_known():
    session = SessionFactory(
        scheduled_start=NOON + 8 * HOUR, subject=None, tutor__name="", student__name="", student__is_stub=True
    )
    message, text, html = sent(session=session)
    assert message.subject == "Your new student’s first session with you is today at 21:00"
    assert text.startswith("Hello,\n")
    assert "you meet your new student" in text
    assert "Your time, Berlin.\n" in text
    assert "None" not in text and "None" not in html and "years old" not in text and "Goal" not in text


@pytest.mark.django_db
def test_the_calendar_entry_stands_on_the_tutors_clock():
    message, _, _ = sent(**lesson())
    part = next(part for part in message.message().walk() if part.get_content_type() == "text/calendar")
    assert part.get_param("method") == "PUBLISH"
    assert part.get_filename() == "first-session.ics"
    calendar = Calendar.from_ical(part.get_payload(decode=True))
    event = calendar.events[0]
    assert str(calendar["method"]) == "PUBLISH"
    assert event.start == NOON + 8 * HOUR
    assert event["dtstart"].params["TZID"] == "Europe/Berlin"
    assert event.end - event.start == HOUR
    assert str(event["summary"]) == "First algebra session with Emre"
    assert [str(each.tz_name) for each in calendar.timezones] == ["Europe/Berlin"]


@pytest.mark.django_db
def test_mailboxes_can_unsubscribe_and_recognise_the_message():
    message, _, _ = sent()
    delivery = Delivery.objects.get()
    headers = message.message()
    assert headers["Message-ID"] == f"<{delivery.public_id}@tutorscore.example>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"<http://localhost:8000/mail/[\w:-]+>", headers["List-Unsubscribe"].replace("\n ", ""))
    assert headers["Auto-Submitted"] == "auto-generated"


@pytest.mark.django_db
def test_styles_are_written_into_the_elements_and_dark_rules_stay():
    _, _, html = sent()
    assert 'class="btn btn-main"' in html and "background: #3f47b0" in html.split("btn btn-main")[1][:400]
    assert html.count("<style>") == 1
    style = html.split("<style>")[1].split("</style>")[0]
    assert "prefers-color-scheme: dark" in style and "max-width: 600px" in style
    assert ".facts td {" not in style.split("@media")[0]
    assert not re.search(r"<(script|img|link|form)\b", html)


@pytest.mark.django_db
def test_what_was_sent_is_kept_for_the_outbox_page():
    _, text, html = sent(**lesson())
    delivery = Delivery.objects.get()
    assert plain(delivery.html_body) == plain(html)
    assert delivery.text_body.splitlines()[:20] == text.splitlines()[:20]
    assert delivery.subject == "Emre’s first algebra session with you is today at 21:00"


@pytest.mark.django_db
def test_nobody_but_the_tutor_gets_links_that_act():
    _, text, html = sent(**lesson())
    kept, waiting = Delivery.objects.get(), DeliveryFactory()
    assert text.count("http://localhost:8000/mail/") == html.count("http://localhost:8000/mail/") == 4
    for body in (kept.text_body, kept.html_body, *preview(waiting, now=NOON)):
        assert "/mail/" not in body
        assert body.count("#link-for-the-tutor") == 4


@pytest.mark.django_db
def test_text_lines_stay_short_enough_for_any_reader():
    _, text, _ = sent(**lesson(student={"learning_goals": "g" * 300}))
    assert all(len(line) <= 76 or "http" in line or "ggg" in line for line in text.splitlines())


def first_sessions(tutor, *, rating: int, n: int, objectives_met: bool) -> None:
    for number in range(n):
        FeedbackFactory(
            rating=rating,
            session=SessionFactory(
                tutor=tutor,
                student=StudentFactory(partner=tutor.partner),
                subject=SubjectFactory(partner=tutor.partner),
                scheduled_start=NOON - timedelta(days=30 + number),
                status="completed",
                objectives_met=objectives_met,
            ),
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("good_met", "others_met", "expected"),
    [
        (True, False, "in 6 of your 6 best-rated first sessions you reached what you had planned together."),
        (True, True, ""),  # not what set them apart
        (False, False, ""),
    ],
)
def test_what_has_worked_is_said_only_when_the_tutors_own_sessions_show_it(good_met, others_met, expected):
    session = SessionFactory(scheduled_start=NOON + 8 * HOUR)
    first_sessions(session.tutor, rating=5, n=6, objectives_met=good_met)
    first_sessions(session.tutor, rating=3, n=3, objectives_met=others_met)
    _, text, html = sent(session=session)
    assert ("What has worked for you" in text) == bool(expected)
    assert expected in " ".join(text.split())
    assert expected in plain(html)


@pytest.mark.django_db
def test_what_has_worked_looks_at_first_sessions_known_by_now_alone():
    session = SessionFactory(scheduled_start=NOON + 8 * HOUR)
    first_sessions(session.tutor, rating=5, n=4, objectives_met=True)
    first_sessions(session.tutor, rating=3, n=3, objectives_met=False)
    again = StudentFactory(partner=session.partner)
    for days, met in ((40, None), (20, True)):  # the second one is no first session
        FeedbackFactory(
            session=SessionFactory(
                tutor=session.tutor,
                student=again,
                scheduled_start=NOON - timedelta(days=days),
                status="completed",
                objectives_met=met,
            )
        )
    late = SessionFactory(
        tutor=session.tutor, scheduled_start=NOON - timedelta(days=9), status="completed", objectives_met=True
    )
    said = FeedbackFactory(session=late, recorded_at=NOON + HOUR)
    _, text, _ = sent(session=session)
    assert "What has worked" not in text
    type(said).objects.filter(pk=said.pk).update(recorded_at=NOON)
    other = SessionFactory(tutor=session.tutor, scheduled_start=NOON + 8 * HOUR)
    _, text, _ = sent(session=other)
    assert "in 5 of your 5 best-rated first sessions" in " ".join(text.split())


# Words, without a database --------------------------------------------------


def local(year, month, day, hour, name="Europe/Berlin"):
    return datetime(year, month, day, hour, tzinfo=UTC).astimezone(zone(name))


def test_a_session_over_the_change_of_clocks_ends_when_it_ends():
    assert span(local(2026, 3, 29, 0), 120) == "Sunday 29 March, 01:00 to 04:00"
    assert span(local(2026, 10, 25, 0), 120) == "Sunday 25 October, 02:00 to 03:00"


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        ("Europe/Berlin", "Europe/Madrid", "Your time, Berlin."),
        ("Europe/Berlin", "Asia/Tokyo", "Your time, Berlin. For Elif it is 05:00 on Tuesday, Tokyo."),
        ("America/New_York", "UTC", "Your time, New York. For Elif it is 20:00, UTC."),
        ("UTC", "Europe/London", "Your time, UTC."),
    ],
)
def test_the_other_clock_is_told_where_it_differs(own, other, expected):
    assert both_times(datetime(2026, 3, 2, 20, tzinfo=UTC), own, other, "Elif") == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Elif K.", "Elif"),
        ("", ""),
        ("  Anna-Lena   Vogt", "Anna-Lena"),
        ("Eve\r\nBcc: x@y", "Eve"),
        ("\u202eevil name", "evil"),
        ("x" * 90, "x" * 39 + "…"),
    ],
)
def test_a_first_name_is_one_clean_word(name, expected):
    assert first_name(name) == expected


def test_days_and_parts_of_the_day():
    now = local(2026, 3, 2, 12)
    assert [relative_day(local(2026, 3, day, 12), now) for day in (2, 3, 4)] == [
        "today", "tomorrow, Tuesday,", "on Wednesday",
    ]  # fmt: skip
    assert [part_of_day(local(2026, 3, 2, hour), now) for hour in (10, 11, 15, 16)] == [
        "this morning", "this afternoon", "this afternoon", "this evening",
    ]  # fmt: skip
    assert part_of_day(local(2026, 3, 3, 7), now) == "tomorrow morning"


def test_cities_and_long_lines():
    assert [city(name) for name in ("America/Argentina/Buenos_Aires", "UTC")] == ["Buenos Aires", "UTC"]
    assert one_line("a  b\tc\n" + "d" * 20, 10) == "a b c ddd…"
    assert date(2026, 3, 2).strftime("%A") == "Monday"
