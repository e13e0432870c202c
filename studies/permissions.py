"""Who may do what: the role decides the act, the team decides the patient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from rest_framework import authentication, permissions
from rest_framework.request import Request

from studies.errors import ForbiddenError
from studies.models import Patient, Role, Team, User

if TYPE_CHECKING:  # REST framework's views import this module by the settings
    from rest_framework.views import APIView

ACTING_ROLES = frozenset({Role.ADMINISTRATOR, Role.CLINICIAN})
"""Those who change the record; a viewer reads it."""


NOT_VISIBLE_MESSAGE = "There is no such record, or none that your teams can see."
"""The one answer for a record that does not exist and for one of another team."""


class RoleForbiddenError(ForbiddenError):
    """The person's role does not include this act."""

    code = "role.forbidden"


class PasswordChangeRequiredError(ForbiddenError):
    """The person still has the password somebody else chose."""

    code = "session.password_change_required"


class SessionAuthentication(authentication.SessionAuthentication):
    """Session cookie and CSRF token; a stranger is answered 401, not 403."""

    takes_pending_password = False

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """Return the person, who must have chosen a password of their own."""
        signed_in = super().authenticate(request)
        if signed_in and signed_in[0].must_change_password and not self.takes_pending_password:
            raise PasswordChangeRequiredError("Choose a password of your own first.")
        return signed_in

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme; its presence makes REST framework answer 401."""
        return "Session"


class SignInAuthentication(SessionAuthentication):
    """For the session's own addresses: also those who must choose a password first."""

    takes_pending_password = True


class IsSignedIn(permissions.IsAuthenticated):
    """Any role; the views that also read are the only ones to name it."""


class RoleAllowsMethod(IsSignedIn):
    """The default: everybody signed in reads, clinicians and administrators also act."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Refuse strangers with 401 and viewers who try to change something with `RoleForbiddenError`."""
        if not super().has_permission(request, view):
            return False
        if request.method not in permissions.SAFE_METHODS:
            require_role(signed_in_user(request), *ACTING_ROLES)
        return True


class IsAdministrator(IsSignedIn):
    """What is laid down for everybody: administrators only, whatever the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Refuse strangers with 401 and everybody else with `RoleForbiddenError`."""
        if not super().has_permission(request, view):
            return False
        require_role(signed_in_user(request), Role.ADMINISTRATOR)
        return True


class MayExport(IsSignedIn):
    """What leaves the portal as a file: clinicians and administrators only."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Refuse viewers whatever the method."""
        if not super().has_permission(request, view):
            return False
        require_role(signed_in_user(request), *ACTING_ROLES)
        return True


def require_role(user: User, *roles: Role | str) -> None:
    """Raise `RoleForbiddenError` unless the person has one of the roles."""
    if user.role not in roles:
        names = " or ".join(sorted(str(Role(role).label).lower() for role in roles))
        raise RoleForbiddenError(
            f"Your role, {Role(user.role).label.lower()}, does not include this. Ask a colleague who is {names}."
        )


def signed_in_user(request: Request | HttpRequest) -> User:
    """Return the person behind a request that has passed `IsSignedIn`."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("The view is open to strangers: it may not ask who is signed in.")
    return user


def visible_teams(user: User | AnonymousUser) -> QuerySet[Team]:
    """Return the teams the person is in; a stranger and a disabled account are in none."""
    if not isinstance(user, User) or not user.is_active:
        return Team.objects.none()
    return Team.objects.filter(memberships__user=user)


def visible_patients(user: User | AnonymousUser) -> QuerySet[Patient]:
    """Return the patients that one of the person's teams cares for: their home team, or one they were shared with."""
    if not isinstance(user, User) or not user.is_active:
        return Patient.objects.none()
    own_teams = visible_teams(user).values("pk")
    shared = Patient.teams.through.objects.filter(patient_id=OuterRef("pk"), team_id__in=own_teams)
    return Patient.objects.filter(Q(home_team_id__in=own_teams) | Exists(shared))


def client_address(request: Request | HttpRequest) -> str:
    """Return the address the request came from, as far as it can be known.

    Forwarding headers are believed only for the stated number of own proxies: whatever stands further left in
    X-Forwarded-For was written by the client.
    """
    meta: dict[str, Any] = request.META
    proxies: int = settings.SEGWEB_PROXY_COUNT
    if proxies:
        hops = [hop.strip() for hop in str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",") if hop.strip()]
        if len(hops) >= proxies:
            return hops[-proxies][:45]
    return str(meta.get("REMOTE_ADDR") or "")[:45]
