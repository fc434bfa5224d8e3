"""The preparation mail to a tutor: what stands in it, and the message that is handed over."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from email.utils import parseaddr
from functools import cache
from textwrap import fill, indent

from css_inline import CSSInliner
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from apps.alerts.daytime import zone
from apps.alerts.mail.calendar import calendar_part
from apps.alerts.mail.links import STOP, hide_links, link_to
from apps.alerts.mail.words import (
    NUMBERS,
    both_times,
    day_of,
    first_name,
    one_line,
    part_of_day,
    relative_day,
    span,
)
from apps.alerts.models import Delivery, TutorReply
from apps.alerts.tips.catalogue import BEST_PRACTICES
from apps.alerts.tips.choice import write_out

ID_HEADER = "X-Delivery-Id"
"""Carries ``public_id``, under which a channel recognises a message it has already taken."""

LONGEST_SUBJECT = 150
TEXT_WIDTH = 72


@dataclass(frozen=True)
class Letter:
    """Everything the templates show, in words. Holds no probability, level, score or experiment arm."""

    sender: str
    subject: str
    preheader: str
    greeting: str
    opening: str
    when: str
    clocks: str
    student: str
    age: str
    lesson: str
    goals: str
    tips_title: str
    tips: list[tuple[str, str]]
    worked: str
    best_practices: str
    useful_url: str
    not_useful_url: str
    cannot_url: str
    stop_url: str


def write_letter(delivery: Delivery, *, now: datetime, worked: str = "") -> Letter:
    """The letter for a delivery at ``now``; ``worked`` is a true sentence about the tutor's own sessions, or empty."""
    session, tutor = delivery.session, delivery.tutor
    assert session is not None and tutor is not None
    student = session.student
    name = first_name(student.name)
    called = name or "your new student"
    start = session.scheduled_start.astimezone(zone(tutor.timezone))
    here = now.astimezone(start.tzinfo)
    subject_name = one_line(session.subject.name, 40) if session.subject else ""
    what = f"{subject_name} session" if subject_name else "session"
    whose = f"{name}’s first {what} with you" if name else f"Your new student’s first {what} with you"
    tips = write_out(delivery.context.get("tips", []), called)
    student_zone = tutor.timezone if student.is_stub else student.timezone
    hello = first_name(tutor.name)
    return Letter(
        sender=sender_name(),
        subject=one_line(f"{whose} is {relative_day(start, here)} at {start:%H:%M}", LONGEST_SUBJECT),
        preheader=f"{day_of(start)}, {start:%H:%M}. A few small things that may help, two minutes to read.",
        greeting=f"Hello {hello}" if hello else "Hello",
        opening=f"{part_of_day(start, here)} you meet {called}",
        when=span(start, session.duration_minutes),
        clocks=both_times(session.scheduled_start, tutor.timezone, student_zone, name or "your student"),
        student=name or "A new student",
        age=f"about {start.year - student.birth_year} years old" if student.birth_year else "",
        lesson=", ".join(filter(None, [_capital(subject_name), f"{session.duration_minutes} minutes"])),
        goals=_capital(one_line(student.learning_goals, 140)),
        tips_title=f"{_capital(NUMBERS[len(tips)])} things that may help",
        tips=tips,
        worked=worked,
        best_practices=_enumerated(BEST_PRACTICES),
        useful_url=link_to(delivery.public_id, TutorReply.Kind.USEFUL),
        not_useful_url=link_to(delivery.public_id, TutorReply.Kind.NOT_USEFUL),
        cannot_url=link_to(delivery.public_id, TutorReply.Kind.CANNOT_MAKE_IT),
        stop_url=link_to(delivery.public_id, STOP),
    )


def sender_name() -> str:
    """The name mails come from, as a reader knows it."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return one_line(name or address, 60)


def render(letter: Letter) -> tuple[str, str]:
    """Text and HTML of the letter; CSS rules are written into the elements, media rules stay in the head."""
    html = render_to_string("mail/preparation.html", asdict(letter))
    return render_to_string("mail/preparation.txt", asdict(_wrapped(letter))), _inliner().inline(html)


def preview(delivery: Delivery, *, now: datetime) -> tuple[str, str]:
    """Text and HTML as they would be sent now, with links that lead nowhere; for staff."""
    text, html = render(write_letter(delivery, now=now))
    return hide_links(text), hide_links(html)


def message_of(delivery: Delivery, letter: Letter, *, text: str, html: str) -> EmailMultiAlternatives:
    """The message to hand over, with a calendar entry and headers that let a mailbox unsubscribe."""
    session, tutor = delivery.session, delivery.tutor
    assert session is not None and tutor is not None and delivery.handed_at is not None
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject=letter.subject,
        body=text,
        to=[delivery.recipient],
        headers={
            "Message-ID": f"<{delivery.public_id}@{domain}>",
            ID_HEADER: str(delivery.public_id),
            "List-Unsubscribe": f"<{letter.stop_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(html, "text/html")
    message.attach(
        calendar_part(
            uid=f"session-{session.pk}@{domain}",
            title=_event_title(first_name(session.student.name), session.subject.name if session.subject else ""),
            description="A first session. Your preparation notes are in the mail this entry came with.",
            start=session.scheduled_start,
            minutes=session.duration_minutes,
            timezone=tutor.timezone,
            now=delivery.handed_at,
        )
    )
    return message


def _wrapped(letter: Letter) -> Letter:
    """The letter with its running text broken into lines, as a text mail needs it."""
    opening = f"{_capital(letter.opening)}. A little extra preparation makes a first session easier for both of you. "
    return replace(
        letter,
        opening=fill(opening + "Here is what we know, in two minutes.", TEXT_WIDTH),
        tips=[(title, indent(fill(text, TEXT_WIDTH - 3), "   ")) for title, text in letter.tips],
        worked=fill(f"What has worked for you: {letter.worked}", TEXT_WIDTH) if letter.worked else "",
        best_practices=fill(f"In every first session: {letter.best_practices}.", TEXT_WIDTH),
    )


def _event_title(student: str, subject: str) -> str:
    first = f"First {one_line(subject, 40)} session".replace("  ", " ")
    return f"{first} with {student}" if student else first


def _enumerated(parts: tuple[str, ...]) -> str:
    return f"{', '.join(parts[:-1])}, and {parts[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


@cache
def _inliner() -> CSSInliner:
    return CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)
