"""Questions why a network marked a lesion: POST /api/revisions/<id>/explanations. Each is a job like any other."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inference.api.jobs import METHODS, JobSerializer
from inference.pipeline.explanation import ExplanationMethod
from inference.selectors import describe_job
from inference.services.explanations import request_explanation
from studies.permissions import client_address, signed_in_user
from studies.selectors.segmentations import get_revision_for


class NewExplanationSerializer(serializers.Serializer[Any]):
    """A question."""

    method = serializers.ChoiceField(choices=METHODS)
    segment_number = serializers.IntegerField(min_value=1)
    lesion_number = serializers.IntegerField(
        min_value=1, default=None, allow_null=True, help_text="As measured, within its segment; null: all of it."
    )


class ExplanationsView(APIView):
    """Ask about a label map."""

    @extend_schema(request=NewExplanationSerializer, responses={200: JobSerializer, 201: JobSerializer})
    def post(self, request: Request, revision_id: UUID) -> Response:
        """Queue the question; 200 with the job that has asked the same where there is one."""
        wish = NewExplanationSerializer(data=request.data)
        user = signed_in_user(request)
        revision = get_revision_for(user, revision_id)
        wish.is_valid(raise_exception=True)
        asked = dict(wish.validated_data)
        method = ExplanationMethod(asked.pop("method"))
        job, is_new = request_explanation(
            revision, requested_by=user, method=method, address=client_address(request), **asked
        )
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(JobSerializer(describe_job(job)).data, status=code)


urlpatterns = [path("revisions/<uuid:revision_id>/explanations", ExplanationsView.as_view())]
