"""Jobs in the administrator's pages: to be read; people act on them through the portal."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from inference.models import SegmentationJob
from inference.selectors import visible_jobs
from studies.admin import ReadOnlyAdmin
from studies.models import User


@admin.register(SegmentationJob)
class SegmentationJobAdmin(ReadOnlyAdmin):
    """How runs went, on what, and what failed; of the administrator's own teams, as everywhere."""

    list_display = ("created_at", "model_name", "model_version", "state", "attempt", "failure_code", "queue")
    list_filter = ("state", "model_name", "queue")
    search_fields = ("id", "failure_code", "worker")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SegmentationJob]:
        """Show what the administrator may see in the portal."""
        return visible_jobs(cast(User, request.user))
