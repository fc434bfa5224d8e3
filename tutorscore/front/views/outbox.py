"""The outbox: what was sent, what waits, what needs a person, each with the mail as the tutor sees it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin

from apps.alerts.mail.letter import preview
from apps.alerts.models import Delivery
from apps.alerts.outbox_selectors import GROUPS, deliveries_for, delivery_for, group_counts
from tutorscore.accounts.models import Partner
from tutorscore.front.paging import page_of
from tutorscore.front.partners import StaffRequest, partner_page
from tutorscore.front.ready_views import ReadyView, ready_views
from tutorscore.front.risks import Risk

WORDS = {
    "sent": "Sent",
    "waiting": "Waiting",
    "trouble": "Needs a person",
    "ended": "Not sent",
    "withheld": "Withheld (control)",
}


@partner_page
def outbox(request: StaffRequest, partner: Partner) -> HttpResponse:
    group = request.GET.get("state", "")
    page = page_of(request, deliveries_for(partner, request.user, group))
    return render(request, "outbox.html", {"page": page, "group": group, "views": _views(request, partner)})


@partner_page
def delivery(request: StaffRequest, partner: Partner, public_id: UUID) -> HttpResponse:
    found = _delivery(request, partner, public_id)
    text, html = _bodies(found)
    context = {
        "delivery": found,
        "text": text,
        "has_html": bool(html),
        "is_preview": bool(text) and not found.text_body,
        "risk": Risk(found.prediction) if found.prediction else None,
    }
    return render(request, "delivery.html", context)


@xframe_options_sameorigin
@partner_page
def delivery_mail(request: StaffRequest, partner: Partner, public_id: UUID) -> HttpResponse:
    """The mail alone, for the frame of its page; its content policy lets it do nothing but look like itself."""
    html = _bodies(_delivery(request, partner, public_id))[1]
    if not html:
        raise Http404
    return HttpResponse(html)


def _delivery(request: StaffRequest, partner: Partner, public_id: UUID) -> Delivery:
    try:
        return delivery_for(partner, request.user, public_id)
    except Delivery.DoesNotExist:
        raise Http404 from None


def _bodies(found: Delivery) -> tuple[str, str]:
    """Text and HTML as sent, or as they would be sent now; empty where no mail will ever be written."""
    if found.text_body or found.html_body:
        return found.text_body, found.html_body
    if found.state in GROUPS["waiting"] and found.session and found.tutor:
        return preview(found, now=timezone.now())
    return "", ""


def _views(request: StaffRequest, partner: Partner) -> list[ReadyView]:
    counts = group_counts(partner, request.user)
    shown = [name for name in WORDS if name != "withheld" or request.user.may_manage]
    views = [(WORDS[name], {"state": name}, counts[name]) for name in shown]
    return ready_views(request, [("All", {}, counts["all"]), *views])
