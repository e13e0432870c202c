"""Every refusal as RFC 9457 problem JSON with a stable code."""

from __future__ import annotations

import logging
from datetime import datetime
from http import HTTPStatus
from typing import Any

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from studies.errors import DomainError, ForbiddenError, InvalidInputError, NotFoundError
from studies.models import User
from studies.permissions import NOT_VISIBLE_MESSAGE, client_address
from studies.services import audit

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457. Some codes add members of their own, as `latest` of `revision.stale_base`."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and what to do next, for the person.")
    code = serializers.CharField(help_text="Stable, `noun.problem`.")
    retry_after_s = serializers.IntegerField(required=False, help_text="session.locked_out: when to try again.")
    fields = serializers.DictField(  # type: ignore[assignment]  # a declared field; REST framework keeps it apart
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="input.invalid: what is wrong with which field.",
    )


class CsrfFailedError(ForbiddenError):
    """The request does not carry this session's CSRF token."""

    code = "csrf.failed"


class LockedOutError(DomainError):
    """Too many wrong passwords."""

    code = "session.locked_out"
    status = 429


class MalformedInputError(InvalidInputError):
    """The request does not have the stated form; one that is understood and refused is 422."""

    status = 400


class SignInRequiredError(DomainError):
    """Nobody is signed in, or no longer."""

    code = "session.required"
    status = 401


class MethodNotAllowedError(DomainError):
    """The address exists and does not take this method."""

    code = "method.not_allowed"
    status = 405


class UnsupportedTypeError(DomainError):
    """The body's content type is not one the address reads."""

    code = "input.unsupported_type"
    status = 415


def problem(error: DomainError) -> dict[str, Any]:
    """Return an error as the members of a problem document."""
    return {
        "type": f"urn:segweb:problem:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        **error.details,
    }


def plain_problem_response(error: DomainError) -> JsonResponse:
    """Answer a problem outside REST framework: middleware, unknown addresses, crashes."""
    response = JsonResponse(problem(error), status=error.status, content_type=CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    return response


def problem_response(exception: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler: any refusal becomes a problem; a defect is left to crash and be logged."""
    error = _as_domain_error(exception)
    if error is None:
        return None
    set_rollback()
    request: Request = context["request"]
    _record_refusal(request, error)
    headers = {"Cache-Control": "no-store"}
    if isinstance(exception, exceptions.APIException):
        if wait := getattr(exception, "wait", None):
            headers["Retry-After"] = str(int(wait))
        if scheme := getattr(exception, "auth_header", None):
            headers["WWW-Authenticate"] = scheme
    return Response(problem(error), status=error.status, headers=headers, content_type=CONTENT_TYPE)


def _as_domain_error(exception: Exception) -> DomainError | None:
    if isinstance(exception, DomainError):
        return exception
    if isinstance(exception, Http404):
        return NotFoundError(NOT_VISIBLE_MESSAGE)
    if isinstance(exception, PermissionDenied):
        return ForbiddenError("You may not do this.")
    if isinstance(exception, exceptions.APIException):
        return _framework_error(exception)
    return None


def _framework_error(exception: exceptions.APIException) -> DomainError:
    match exception:
        case exceptions.ValidationError():
            return _invalid_input(exception)
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return SignInRequiredError("Sign in and try again.")
        case exceptions.PermissionDenied() if "CSRF" in str(exception.detail):
            return CsrfFailedError("The page is out of date. Reload it and try again.")
        case exceptions.PermissionDenied():
            return ForbiddenError("You may not do this.")
        case exceptions.NotFound():
            return NotFoundError(NOT_VISIBLE_MESSAGE)
        case exceptions.MethodNotAllowed():
            return MethodNotAllowedError("This address does not take that method.")
        case exceptions.UnsupportedMediaType():
            return UnsupportedTypeError("Send the body in the content type this address reads.")
    return MalformedInputError(str(exception.detail))


def _invalid_input(exception: exceptions.ValidationError) -> DomainError:
    detail = exception.detail
    fields = detail if isinstance(detail, dict) else {"request": detail}
    flat = {name: _sentences(value) for name, value in fields.items()}
    name, sentences = next(iter(flat.items()), ("request", []))
    return MalformedInputError(f"{name}: {sentences[0] if sentences else 'invalid.'}", fields=flat)


def _sentences(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [sentence for part in value.values() for sentence in _sentences(part)]
    if isinstance(value, list):
        return [sentence for part in value for sentence in _sentences(part)]
    return [str(value)]


def _record_refusal(request: Request, error: DomainError) -> None:
    """Note in the audit trail that a signed-in person was refused; what was asked for, not whether it exists."""
    user = request._request.user if hasattr(request._request, "user") else None
    if error.status not in (403, 404) or not isinstance(user, User):
        return
    match = request._request.resolver_match
    audit.record(
        act="access.refused",
        actor=user,
        outcome=audit.REFUSED,
        address=client_address(request),
        code=error.code,
        method=request.method,
        route=match.route if match else "",
        asked={name: str(value) for name, value in match.kwargs.items()} if match else {},
    )


def lockout_response(
    request: HttpRequest, _original: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Answer an attempt to sign in during a lockout: 429 and how long it lasts (called by axes)."""
    wait_s = _lockout_left_s(request, (credentials or {}).get("username") or "")
    minutes = -(-wait_s // 60)
    error = LockedOutError(
        f"Too many wrong passwords. Try again in {minutes} minute{'s' if minutes != 1 else ''}.", retry_after_s=wait_s
    )
    response = plain_problem_response(error)
    response["Retry-After"] = str(wait_s)
    return response


def _lockout_left_s(request: HttpRequest, username: str) -> int:
    cool_off = get_cool_off(request)
    last: datetime | None = (
        AccessAttempt.objects.filter(username=username, ip_address=client_address(request) or None)
        .order_by("-attempt_time")
        .values_list("attempt_time", flat=True)
        .first()
    )
    if cool_off is None or last is None:
        return 60
    return max(1, int((last + cool_off - timezone.now()).total_seconds()) + 1)


def csrf_failure(_request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF refusal as a problem."""
    logger.warning("A request was refused for its CSRF token: %s", reason)
    return plain_problem_response(CsrfFailedError("The page is out of date. Reload it and try again."))


def unknown_address(_request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponse:
    """Answer an API address that does not exist."""
    return plain_problem_response(NotFoundError(NOT_VISIBLE_MESSAGE))


def describe_problems(result: dict[str, Any], generator: Any, **_kwargs: object) -> dict[str, Any]:
    """Tell the schema that every operation may answer a problem (a drf-spectacular hook)."""
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            operation["responses"]["default"] = {"description": "Refused, with the reason.", "content": content}
    return result
