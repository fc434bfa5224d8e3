"""Pages behind the signed links of a mail: a GET shows what would happen, a POST does it."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.alerts.actions.replies import reply_through_link
from apps.alerts.mail.letter import sender_name
from apps.alerts.mail.links import RESUME, STOP, BadLinkError, link_to, read_link
from apps.alerts.mail.reply_pages import REPLY_PAGES
from apps.alerts.selectors import delivery


@csrf_exempt  # The token is the permission, no cookie is looked at; mailboxes unsubscribe by a bare POST (RFC 8058).
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mail_reply(request: HttpRequest, token: str) -> HttpResponse:
    """Ask the tutor to confirm, or do what was confirmed."""
    context = {"sender": sender_name()}
    try:
        link = read_link(token)
    except BadLinkError:
        return render(request, "mail/bad_link.html", context, status=HTTPStatus.NOT_FOUND)
    found = delivery(public_id=link.public_id)
    if found is None:
        return render(request, "mail/bad_link.html", context, status=HTTPStatus.NOT_FOUND)
    is_done = request.method == "POST"
    if is_done:
        reply_through_link(delivery=found, action=link.action, now=timezone.now())
    resume_url = link_to(link.public_id, RESUME) if is_done and link.action == STOP else ""
    page = {"page": REPLY_PAGES[link.action], "is_done": is_done, "resume_url": resume_url}
    return render(request, "mail/reply.html", context | page)
