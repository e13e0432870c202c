"""Every address SegWeb answers."""

from django.contrib import admin
from django.urls import include, path, re_path

import inference.api.urls
import studies.api.urls
from segweb.health import healthz
from segweb.pages import index
from studies.api.problems import unknown_address

api_patterns = [
    *studies.api.urls.urlpatterns,
    *inference.api.urls.urlpatterns,
    re_path(r"^", unknown_address),
]
urlpatterns = [
    path("healthz", healthz),
    path("admin/", admin.site.urls),
    path("api/", include(api_patterns)),
    re_path(r"^(?!static/|ws/)", index),
]
