"""Automatic sign-out of a session nobody uses."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from studies.services import people

BACKGROUND_HEADER = "X-SegWeb-Background"
"""Sent with the requests a page makes by itself: they answer, and do not keep the session alive."""


NOT_KEPT = "private, no-store"
"""For every answer of the API that does not say otherwise: health records belong in no cache."""


class IdleSignOutMiddleware:
    """End a session that saw no act of a person for the idle time-out, before the request is looked at."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Sign out, or note the activity, then go on."""
        is_signed_in = SESSION_KEY in request.session
        if is_signed_in and people.is_session_idle(request.session):
            people.end_session(request, act="session.idled_out")
        elif is_signed_in and BACKGROUND_HEADER not in request.headers:
            people.note_activity(request.session)
        response = self.get_response(request)
        if request.path_info.startswith("/api/") and not response.has_header("Cache-Control"):
            response["Cache-Control"] = NOT_KEPT
        return response
