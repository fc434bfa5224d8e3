"""The admin site: for success managers, who sign in on the application's own page."""

from __future__ import annotations

from django.http import HttpRequest
from unfold.sites import UnfoldAdminSite


class ManagerAdminSite(UnfoldAdminSite):
    def has_permission(self, request: HttpRequest) -> bool:
        """The same answer as the access table gives; asked again by every admin view."""
        return bool(request.user.is_authenticated and request.user.may_manage)
