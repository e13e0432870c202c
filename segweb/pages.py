"""The one page: the browser application's index.html, for every address that is not the API's."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.utils.cache import add_never_cache_headers

NOT_BUILT = """<!doctype html><html lang="en"><title>SegWeb</title>
<h1>SegWeb is not built yet</h1>
<p>The browser application is missing. Run <code>make run</code>, or <code>npm ci</code> and <code>npm run build</code>
in the folder <code>frontend</code>, then reload this page.</p></html>
"""


def index(request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponse:
    """Return index.html with the CSRF cookie set; 503 and what to do while it has not been built."""
    path = settings.SEGWEB_FRONTEND_DIST / "index.html"
    try:
        response = HttpResponse(path.read_bytes(), content_type="text/html; charset=utf-8")
    except FileNotFoundError:
        response = HttpResponse(NOT_BUILT, status=503, content_type="text/html; charset=utf-8")
    get_token(request)
    add_never_cache_headers(response)
    return response
