"""Facts, as a partner or staff may see them."""

from __future__ import annotations

from typing import Self

from tutorscore.accounts.querysets import PartnerQuerySet, Row


class TutoringSessionQuerySet(PartnerQuerySet[Row]):
    def ended(self) -> Self:
        """Sessions whose outcome is known, whatever it was."""
        return self.exclude(status__in=("scheduled", "in_progress"))

    def usable_for_training(self) -> Self:
        """Ended sessions of which it is known, or assumed by rule, when their outcome became known."""
        return self.ended().exclude(clock="arrival")


class OfSessionQuerySet(PartnerQuerySet[Row]):
    """Facts about a session."""

    partner_path = "session__partner"


class RejectedRowQuerySet(PartnerQuerySet[Row]):
    def still_open(self) -> Self:
        """Not yet corrected and replayed."""
        return self.filter(resolved_at=None)
