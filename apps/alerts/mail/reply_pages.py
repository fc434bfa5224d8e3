"""What the pages behind the links of a mail say, by action: the question before, the thanks after."""

from __future__ import annotations

from dataclasses import dataclass

from apps.alerts.mail.links import RESUME, STOP
from apps.alerts.models import TutorReply


@dataclass(frozen=True)
class ReplyPage:
    """``question`` and ``note`` stand above the button, ``done`` and ``done_note`` replace them afterwards."""

    question: str
    note: str
    button: str
    done: str
    done_note: str


REPLY_PAGES: dict[str, ReplyPage] = {
    TutorReply.Kind.USEFUL: ReplyPage(
        "Were these notes useful?",
        "Your answer decides which tips we send. Nobody rates you by it.",
        "Yes, they were useful",
        "Thank you, good to know.",
        "We keep sending notes like these before first sessions.",
    ),
    TutorReply.Kind.NOT_USEFUL: ReplyPage(
        "Were these notes not much help?",
        "Your answer decides which tips we send. Nobody rates you by it.",
        "Not really useful",
        "Thank you for saying so.",
        "If you tell us what was missing, by replying to the mail, the next notes get better.",
    ),
    TutorReply.Kind.CANNOT_MAKE_IT: ReplyPage(
        "Something came up?",
        "We let the team know, and someone calls you. The session stands until you have talked: nothing is cancelled.",
        "Tell the team I can’t make it",
        "The team knows.",
        "Someone gets in touch with you. Until then the session stands as it is.",
    ),
    STOP: ReplyPage(
        "Stop preparation mails?",
        "You would get no more notes before first sessions. Other messages are not affected.",
        "Stop these mails",
        "Done. No more preparation mails.",
        "Changed your mind? You can have them back at any time.",
    ),
    RESUME: ReplyPage(
        "Get preparation mails again?",
        "A short note within a day before a first session.",
        "Send them again",
        "Done. You get preparation mails again.",
        "Every mail has a link at its foot to stop them.",
    ),
}
