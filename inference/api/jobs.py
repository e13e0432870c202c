"""Segmentation jobs: /api/jobs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inference.events import JobStatus
from inference.job_states import JobState
from inference.pipeline.explanation import ExplanationMethod
from inference.pipeline.job_maps import MapKind
from inference.selectors import describe_job, describe_jobs, get_job_for, get_job_map_for, list_jobs_for
from inference.services.jobs import cancel_job, request_job, retry_job
from studies.api.segmentations import GateVerdictSerializer
from studies.api.streams import OCTETS, bytes_response, is_unchanged, unchanged_response
from studies.permissions import client_address, signed_in_user
from studies.selectors.series import get_series_for
from studies.services import audit

METHODS = [(method.value, method.value) for method in ExplanationMethod]
STATES = [(state.value, state.value) for state in JobState]
PARAMETER_VALUES = {
    "type": "object",
    "additionalProperties": {
        "oneOf": [{"type": "number"}, {"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 3}]
    },
}


@extend_schema_field(PARAMETER_VALUES)
class ParametersField(serializers.DictField):
    """Values by parameter name; a point is [slice, row, column]. The registry checks them."""


VOXEL = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 3, "maxItems": 3}


@extend_schema_field(VOXEL)
class VoxelField(serializers.ListField):
    """Indices (slice, row, column) from 0."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.IntegerField(min_value=0), min_length=3, max_length=3, **options)


class JobInputSerializer(serializers.Serializer[Any]):
    """A series that a network reads together with others."""

    channel = serializers.CharField()
    series_id = serializers.UUIDField()
    words = serializers.CharField()
    contents_digest = serializers.CharField()
    is_by_person = serializers.BooleanField(help_text="Whether a person named it; else its header did.")
    note = serializers.CharField(help_text="What is doubtful about the choice; empty where nothing is.")
    alignment = serializers.CharField(help_text="How it came onto the open series' grid; empty until it has.")


class JobMapSerializer(serializers.Serializer[Any]):
    """What a run found besides its labels, voxel by voxel."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[(kind.value, kind.value) for kind in MapKind])
    low = serializers.FloatField(help_text="What a voxel of 0 stands for.")
    high = serializers.FloatField(help_text="What a voxel of 255 stands for.")
    unit = serializers.CharField()


class ChannelEffectSerializer(serializers.Serializer[Any]):
    """What an answer is without one of its channels."""

    channel = serializers.CharField()
    score_fall = serializers.FloatField(help_text="By how much the mean log-odds of the lesion's voxels fall.")
    kept_share = serializers.FloatField(help_text="Share of the lesion's voxels that would still be marked.")


class ExplanationSerializer(serializers.Serializer[Any]):
    """What is asked of a network's label map, and what came out."""

    revision_id = serializers.UUIDField()
    method = serializers.ChoiceField(choices=METHODS)
    segment_number = serializers.IntegerField()
    lesion_number = serializers.IntegerField(allow_null=True, help_text="Null is the whole segment.")
    score = serializers.FloatField(allow_null=True, help_text="Mean log-odds of the lesion's voxels; 0 is undecided.")
    effects = ChannelEffectSerializer(many=True)


class JobSerializer(serializers.Serializer[JobStatus]):
    """A segmentation job."""

    id = serializers.UUIDField()
    series_id = serializers.UUIDField()
    study_id = serializers.UUIDField()
    model_name = serializers.CharField()
    model_title = serializers.CharField()
    model_version = serializers.CharField()
    parameters = ParametersField()
    inputs = JobInputSerializer(many=True, help_text="Of a network that reads several series; else empty.")
    state = serializers.ChoiceField(choices=STATES)
    attempt = serializers.IntegerField()
    stage = serializers.CharField()
    windows_done = serializers.IntegerField()
    windows_total = serializers.IntegerField()
    queue_position = serializers.IntegerField(allow_null=True, help_text="1 is the next to run; null unless queued.")
    is_awaited = serializers.BooleanField(help_text="Whether a person waits for it; it goes before what runs ahead.")
    seconds_left = serializers.FloatField(allow_null=True, help_text="From the measured rate; null while unknown.")
    focus = VoxelField(help_text="Voxel (slice, row, column) that is computed first.")
    is_cancel_requested = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    failure_code = serializers.CharField()
    failure = serializers.CharField()
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="How the run went another way than it was meant to, in sentences."
    )
    peak_memory_bytes = serializers.IntegerField(allow_null=True)
    timings_s = serializers.DictField(child=serializers.FloatField())
    segmentation_id = serializers.UUIDField(allow_null=True)
    revision_id = serializers.UUIDField(allow_null=True)
    requested_by = serializers.CharField(allow_null=True)
    rule_title = serializers.CharField(allow_null=True, help_text="Of the rule that asked for it, where no person did.")
    maps = JobMapSerializer(many=True)
    gate = GateVerdictSerializer(
        allow_null=True, help_text="What the quality gate said; null while there is no result."
    )
    explanation = ExplanationSerializer(allow_null=True, help_text="Of a job that says why; null for a run.")


class JobListSerializer(serializers.Serializer[Any]):
    """Jobs, newest first."""

    results = JobSerializer(many=True)


class NewJobSerializer(serializers.Serializer[Any]):
    """A run that is asked for."""

    series_id = serializers.UUIDField()
    model_name = serializers.CharField(max_length=64)
    parameters = ParametersField(default=dict)
    inputs = serializers.DictField(
        child=serializers.UUIDField(), default=dict, help_text="Series by channel, where a person chooses them."
    )
    focus = VoxelField(
        default=None,
        allow_null=True,
        help_text="Voxel (slice, row, column) on screen: done first; null: the middle.",
    )


class JobFilterSerializer(serializers.Serializer[Any]):
    """Which jobs to list."""

    study = serializers.UUIDField(required=False)
    series = serializers.UUIDField(required=False)
    active = serializers.BooleanField(required=False, allow_null=True, default=None)
    explains = serializers.UUIDField(required=False)


class JobsView(APIView):
    """Jobs the person sees."""

    @extend_schema(
        parameters=[
            OpenApiParameter("study", OpenApiTypes.UUID),
            OpenApiParameter("series", OpenApiTypes.UUID),
            OpenApiParameter("explains", OpenApiTypes.UUID, description="Questions about this revision, not runs."),
            OpenApiParameter("active", OpenApiTypes.BOOL, description="Waiting or running only; false: ended only."),
        ],
        responses=JobListSerializer,
    )
    def get(self, request: Request) -> Response:
        """List the newest."""
        wish = JobFilterSerializer(data=request.query_params)
        wish.is_valid(raise_exception=True)
        asked = wish.validated_data
        jobs = list_jobs_for(
            signed_in_user(request),
            study_id=asked.get("study"),
            series_id=asked.get("series"),
            is_active=asked["active"],
            explains=asked.get("explains"),
        )
        return Response(JobListSerializer({"results": describe_jobs(jobs)}).data)

    @extend_schema(request=NewJobSerializer, responses={200: JobSerializer, 201: JobSerializer})
    def post(self, request: Request) -> Response:
        """Ask for a run; 200 with the job that already waits or runs where it is the same."""
        wish = NewJobSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        user, asked = signed_in_user(request), dict(wish.validated_data)
        series = get_series_for(user, asked.pop("series_id"))
        job, is_new = request_job(series, requested_by=user, address=client_address(request), **asked)
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(JobSerializer(describe_job(job)).data, status=code)


class JobView(APIView):
    """One job."""

    @extend_schema(responses=JobSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        """Return where it stands."""
        return Response(JobSerializer(describe_job(get_job_for(signed_in_user(request), job_id))).data)


class CancelView(APIView):
    """Stop a job."""

    @extend_schema(request=None, responses=JobSerializer)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Take it out of the queue, or stop it before its next window."""
        user = signed_in_user(request)
        job = cancel_job(get_job_for(user, job_id), cancelled_by=user, address=client_address(request))
        return Response(JobSerializer(describe_job(job)).data)


class RetryView(APIView):
    """Run a job again."""

    @extend_schema(request=None, responses=JobSerializer)
    def post(self, request: Request, job_id: UUID) -> Response:
        """Queue a failed or cancelled job again."""
        user = signed_in_user(request)
        job = retry_job(get_job_for(user, job_id), retried_by=user, address=client_address(request))
        return Response(JobSerializer(describe_job(job)).data)


class JobMapView(APIView):
    """The voxels of a map."""

    @extend_schema(responses={(200, OCTETS): OpenApiTypes.BINARY, 304: OpenApiResponse(description="Unchanged.")})
    def get(self, request: Request, map_id: UUID) -> HttpResponseBase:
        """Return gzip of one byte per voxel (slice, row, column) of the series' grid."""
        user = signed_in_user(request)
        found = get_job_map_for(user, map_id)
        patient = found.job.series.study.patient
        audit.record_view(actor=user, subject=found, patient=patient, address=client_address(request))
        if is_unchanged(request, str(found.pk)):
            return unchanged_response(str(found.pk))
        return bytes_response(bytes(found.payload), content_type=OCTETS, etag=str(found.pk))


urlpatterns = [
    path("jobs", JobsView.as_view()),
    path("jobs/<uuid:job_id>", JobView.as_view()),
    path("jobs/<uuid:job_id>/cancel", CancelView.as_view()),
    path("jobs/<uuid:job_id>/retry", RetryView.as_view()),
    path("job-maps/<uuid:map_id>", JobMapView.as_view()),
]
