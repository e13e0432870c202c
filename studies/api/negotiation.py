"""One form per address, so nothing to negotiate."""

from __future__ import annotations

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class AcceptWhatWeSend(BaseContentNegotiation):
    """Answer in the one form each address has; pixels and files name their own content type."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Choose by the request's content type."""
        media_type = (request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type in (media_type, "*/*")), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Take the first: there is one."""
        return renderers[0], renderers[0].media_type
