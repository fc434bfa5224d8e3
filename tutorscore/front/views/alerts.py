"""What staff do with an alert. Each answers with the page it came from; a stale click changes nothing and says so."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from apps.alerts.actions.handling import (
    StaleActionError,
    acknowledge_alert,
    reopen_alert,
    resolve_alert,
    snooze_alert,
)
from apps.alerts.forms import ResolveForm, SnoozeForm
from apps.alerts.models import Alert
from apps.alerts.session_selectors import alert_with_facts
from tutorscore.front.formats import mid, stamp
from tutorscore.front.partners import StaffRequest, chosen_partner


@require_POST
def take(request: StaffRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    alert = _alert(request, pk)
    return _answer(request, alert, lambda: acknowledge_alert(alert_id=pk, by=request.user, now=now), "Yours now")


@require_POST
def snooze(request: StaffRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    alert, form = _alert(request, pk), SnoozeForm(request.POST, now=now)
    if not form.is_valid():
        return _refuse(request, pk, "Choose until when to snooze it.")
    until = form.cleaned_data["until"]
    return _answer(
        request,
        alert,
        lambda: snooze_alert(alert_id=pk, until=until, by=request.user, now=now),
        f"Snoozed until {mid(stamp(until, now))}, or until it gets worse",
        leaves_queue=True,
    )


@require_POST
def resolve(request: StaffRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    alert, form = _alert(request, pk), ResolveForm(request.POST)
    if not form.is_valid():
        return _refuse(request, pk, "Say what came of it, in at most 150 characters.")
    return _answer(
        request,
        alert,
        lambda: resolve_alert(alert_id=pk, resolution=form.resolution, by=request.user, now=now),
        "Resolved",
        leaves_queue=True,
    )


@require_POST
def reopen(request: StaffRequest, pk: int) -> HttpResponse:
    now = timezone.now()
    alert = _alert(request, pk)
    return _answer(request, alert, lambda: reopen_alert(alert_id=pk, by=request.user, now=now), "Open again")


def _alert(request: StaffRequest, pk: int) -> Alert:
    partner = chosen_partner(request)
    if partner is None:
        raise Http404
    try:
        return alert_with_facts(partner, pk)
    except Alert.DoesNotExist:
        raise Http404 from None


def _answer(
    request: StaffRequest, alert: Alert, act: Callable[[], Alert], done: str, *, leaves_queue: bool = False
) -> HttpResponse:
    try:
        act()
    except StaleActionError as stale:
        return _refuse(request, alert.pk, str(stale))
    link = format_html('<a href="{}">{}</a>', reverse("alert", kwargs={"pk": alert.pk}), alert.title)
    messages.success(request, format_html("{}: {}.", done, link))
    return redirect("today") if leaves_queue else redirect("alert", pk=alert.pk)


def _refuse(request: StaffRequest, pk: int, why: str) -> HttpResponse:
    messages.error(request, why)
    return redirect("alert", pk=pk)
