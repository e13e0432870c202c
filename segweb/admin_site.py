"""The administrator's pages, behind the same sign-in, lockout, idle time-out and roles as the portal."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from studies.errors import ForbiddenError
from studies.models import Role, User
from studies.permissions import client_address
from studies.services import audit, people

SIGN_IN_PAGE = "/sign-in"


class AdministratorRequiredError(ForbiddenError):
    """The administrator's pages are not for this role."""

    code = "role.forbidden"


class PortalAdminSite(admin.AdminSite):
    """Django admin for the role administrator; Django's own flags for staff and superusers open nothing."""

    site_header = "SegWeb administration"
    site_title = "SegWeb"
    index_title = "People, teams and records"
    site_url = "/"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Let administrators in who have a password of their own."""
        user = request.user
        if not isinstance(user, User) or not user.is_active or user.must_change_password:
            return False
        return user.role == Role.ADMINISTRATOR

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send strangers to the portal's own sign-in; refuse the others in words."""
        user = request.user
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if not isinstance(user, User) or user.must_change_password:
            return HttpResponseRedirect(f"{SIGN_IN_PAGE}?{urlencode({'next': reverse('admin:index')})}")
        audit.record(
            act="access.refused",
            actor=user,
            outcome=audit.REFUSED,
            address=client_address(request),
            code=AdministratorRequiredError.code,
            route="admin/",
        )
        return HttpResponse("These pages are for administrators.", status=403, content_type="text/plain; charset=utf-8")

    def logout(  # type: ignore[override]  # the stubs know no redirect
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sign out of the portal as a whole."""
        people.end_session(request)
        return HttpResponseRedirect(SIGN_IN_PAGE)

    def password_change(  # type: ignore[override]  # the stubs know no redirect
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Change one's own password in the portal, where the other sessions end with it."""
        return HttpResponseRedirect("/")
