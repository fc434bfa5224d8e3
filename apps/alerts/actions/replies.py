"""What a tutor says through the links of a mail. Each is done once, however often the link is used."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.alerts.actions.handling import open_alert
from apps.alerts.mail.links import RESUME, STOP
from apps.alerts.models import Delivery, OptOut, TutorReply
from apps.alerts.rules import cannot_make_it
from apps.tutors.models import Tutor


def reply_through_link(*, delivery: Delivery, action: str, now: datetime) -> None:
    """Do what a signed link stands for."""
    tutor = delivery.tutor
    if action not in (STOP, RESUME):
        record_reply(delivery=delivery, kind=action, now=now)
    elif tutor is not None and action == STOP:
        stop_mails(tutor=tutor, kind=delivery.kind, now=now)
    elif tutor is not None:
        resume_mails(tutor=tutor, kind=delivery.kind)


@transaction.atomic
def record_reply(*, delivery: Delivery, kind: str, now: datetime) -> TutorReply:
    """Keep the reply; "can't make it" also calls staff, and never cancels anything by itself."""
    reply, is_new = TutorReply.objects.get_or_create(delivery=delivery, kind=kind, defaults={"replied_at": now})
    session = delivery.session
    if kind == TutorReply.Kind.CANNOT_MAKE_IT and is_new and session is not None and session.scheduled_start > now:
        finding = cannot_make_it(
            session_id=session.pk,
            tutor_id=session.tutor_id,
            tutor=str(session.tutor),
            start=session.scheduled_start,
        )
        open_alert(partner_id=delivery.partner_id, finding=finding, now=now)
    return reply


def stop_mails(*, tutor: Tutor, kind: str, now: datetime) -> None:
    """No more mails of this kind to this tutor; those that wait are suppressed when their turn comes."""
    OptOut.objects.get_or_create(tutor=tutor, kind=kind, defaults={"opted_out_at": now})


def resume_mails(*, tutor: Tutor, kind: str) -> None:
    """The tutor wants these mails after all."""
    OptOut.objects.filter(tutor=tutor, kind=kind).delete()
