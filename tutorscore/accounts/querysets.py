"""Whose rows may be seen, decided once: a partner sees its own, staff see every real partner's."""

from __future__ import annotations

from typing import ClassVar, Self, TypeVar

from django.db.models import Model, QuerySet

from tutorscore.accounts.models import Partner

Row = TypeVar("Row", bound=Model)


class PartnerQuerySet(QuerySet[Row]):
    """Rows that belong to a partner, directly or through ``partner_path``."""

    partner_path: ClassVar[str] = "partner"

    def of_partner(self, partner: Partner) -> Self:
        return self.filter(**{self.partner_path: partner})

    def for_staff(self) -> Self:
        """Without scratch partners, which hold an export only for the length of a backtest."""
        return self.filter(**{f"{self.partner_path}__is_scratch": False})


class OfTutorQuerySet(PartnerQuerySet[Row]):
    """Rows about a tutor."""

    partner_path = "tutor__partner"
