"""Label maps of a series: /api/series/{id}/segmentations, /api/segmentations/{id}/revisions, /api/revisions/{id}/..."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.problems import CONTENT_TYPE, ProblemSerializer
from studies.api.streams import OCTETS, file_response, is_unchanged, unchanged_response
from studies.errors import InvalidInputError, NotFoundError
from studies.label_maps.label_map import PALETTE, SegmentDescription
from studies.models import AlgorithmType, GateOutcome, Segmentation, SegmentationRevision
from studies.permissions import NOT_VISIBLE_MESSAGE, MayExport, client_address, signed_in_user
from studies.selectors.segmentations import get_revision_for, get_segmentation_for, segmentations_of
from studies.selectors.series import get_series_for
from studies.services import audit, exports
from studies.services.acceptance import accept_segmentation
from studies.services.lesion_cuts import DrawnLine, cut_lesion
from studies.services.segmentations import StaleBaseError, create_empty, save_revision
from studies.storage import blob_store

IMMUTABLE = "private, max-age=31536000, immutable"


class SegmentSerializer(serializers.Serializer[Any]):
    """One labelled structure and how much of it there is."""

    segment_number = serializers.IntegerField()
    segment_label = serializers.CharField()
    colour = serializers.CharField(help_text="#rrggbb")
    category_code = serializers.ListField(child=serializers.CharField(), min_length=3, max_length=3)
    type_code = serializers.ListField(child=serializers.CharField(), min_length=3, max_length=3)
    volume_ml = serializers.FloatField(allow_null=True, help_text="Null where the series is no volume.")
    voxel_count = serializers.IntegerField()


class GateReasonSerializer(serializers.Serializer[Any]):
    """Why a run was not simply let pass."""

    code = serializers.CharField(help_text="Stable, as gate.unlike_training.")
    words = serializers.CharField()
    segment_number = serializers.IntegerField(allow_null=True)
    aspect = serializers.CharField(help_text="In what the image is the most unusual; may be empty.")
    value = serializers.FloatField(allow_null=True)
    limit = serializers.FloatField(allow_null=True)


class GateVerdictSerializer(serializers.Serializer[Any]):
    """What the quality gate said of a run."""

    outcome = serializers.ChoiceField(choices=GateOutcome.choices)
    reasons = GateReasonSerializer(many=True)
    predicted_dice = serializers.DictField(
        child=serializers.FloatField(), help_text="Dice to expect, by segment number; of marked segments."
    )
    distance = serializers.FloatField(
        allow_null=True, help_text="How far the image lies from those that the model learnt from."
    )
    most = serializers.FloatField(allow_null=True, help_text="How far it may.")


class RevisionSerializer(serializers.Serializer[SegmentationRevision]):
    """One state of a label map; never changes."""

    id = serializers.UUIDField()
    segmentation_id = serializers.UUIDField()
    number = serializers.IntegerField(help_text="From 1.")
    base_id = serializers.UUIDField(allow_null=True)
    digest = serializers.CharField(help_text="SHA-256 over shape, type and voxels.")
    algorithm_type = serializers.ChoiceField(choices=AlgorithmType.choices)
    provenance = serializers.DictField()
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    segments = SegmentSerializer(many=True, source="segments.all")


class SegmentationSerializer(serializers.Serializer[Segmentation]):
    """The history of one label map."""

    id = serializers.UUIDField()
    series_id = serializers.UUIDField()
    name = serializers.CharField()
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    model_version = serializers.CharField(help_text="Of the model whose run it began with; empty where a person did.")
    gate = serializers.SerializerMethodField(help_text="What the quality gate said of that run; null without one.")
    needs_eyes = serializers.BooleanField(help_text="Whether the gate asks for a person and none has looked.")
    accepted_by = serializers.CharField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True, help_text="When a person accepted or corrected it.")
    revisions = RevisionSerializer(many=True, source="revisions.all")

    @extend_schema_field(GateVerdictSerializer(allow_null=True))
    def get_gate(self, segmentation: Segmentation) -> dict[str, Any] | None:
        """Return the verdict that the first revision's provenance holds."""
        first = min(segmentation.revisions.all(), key=lambda revision: revision.number, default=None)
        verdict = first.provenance.get("gate") if first is not None else None
        return dict(GateVerdictSerializer(verdict).data) if verdict else None


class SegmentationListSerializer(serializers.Serializer[Any]):
    """The segmentations of a series, newest first."""

    results = SegmentationSerializer(many=True)


class NewSegmentSerializer(serializers.Serializer[Any]):
    """A structure that is to be drawn."""

    segment_number = serializers.IntegerField(min_value=1, max_value=65535)
    segment_label = serializers.CharField(max_length=64)
    colour = serializers.RegexField(r"^#[0-9a-fA-F]{6}$", required=False)


class NewSegmentationSerializer(serializers.Serializer[Any]):
    """A segmentation to begin."""

    name = serializers.CharField(max_length=120)
    segments = NewSegmentSerializer(many=True, allow_empty=False)


class CutSerializer(serializers.Serializer[Any]):
    """A line drawn across a lesion."""

    segment_number = serializers.IntegerField(min_value=1, max_value=65535, help_text="Of the lesion.")
    ends_mm = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=3, max_length=3),
        min_length=2,
        max_length=2,
        help_text="Both ends, patient LPS [x, y, z].",
    )
    sight = serializers.ListField(
        child=serializers.FloatField(), min_length=3, max_length=3, help_text="Direction of sight, patient LPS."
    )


class StaleBaseSerializer(ProblemSerializer):
    """The problem `revision.stale_base`: what was saved meanwhile."""

    latest = RevisionSerializer()


class PatchTooLargeError(InvalidInputError):
    """The patch is larger than a request may be."""

    code = "patch.too_large"
    status = 413


class BrickParser(BaseParser):
    """Bricks as they are: `studies.label_maps.codec` reads them."""

    media_type = OCTETS

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the body, up to the limit of a request."""
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body: bytes = stream.read(limit + 1)
        if len(body) > limit:
            raise PatchTooLargeError(f"The patch has more than {limit // 1024**2} MiB. Save fewer slices at a time.")
        return body


class SeriesSegmentationsView(APIView):
    """The segmentations of a series."""

    @extend_schema(responses=SegmentationListSerializer)
    def get(self, request: Request, series_id: UUID) -> Response:
        """List them, newest first."""
        series = get_series_for(signed_in_user(request), series_id)
        return Response(SegmentationListSerializer({"results": segmentations_of(series)}).data)

    @extend_schema(request=NewSegmentationSerializer, responses={201: SegmentationSerializer})
    def post(self, request: Request, series_id: UUID) -> Response:
        """Begin an empty one, to be drawn by hand."""
        user = signed_in_user(request)
        series = get_series_for(user, series_id)
        wish = NewSegmentationSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        name, segments = wish.validated_data["name"], [_describe(row) for row in wish.validated_data["segments"]]
        revision = create_empty(series, name=name, segments=segments, created_by=user, address=client_address(request))
        segmentation = get_segmentation_for(user, revision.segmentation_id)
        return Response(SegmentationSerializer(segmentation).data, status=status.HTTP_201_CREATED)


class RevisionsView(APIView):
    """New revisions of a segmentation."""

    parser_classes = [BrickParser]

    @extend_schema(
        parameters=[OpenApiParameter("base", OpenApiTypes.UUID, required=True, description="The revision drawn on.")],
        request={OCTETS: OpenApiTypes.BINARY},
        responses={201: RevisionSerializer, (409, CONTENT_TYPE): StaleBaseSerializer},
    )
    def post(self, request: Request, segmentation_id: UUID) -> Response:
        """Save bricks in place of the base's slices; 409 with the latest revision where the base is not it."""
        user = signed_in_user(request)
        patch = request.data if isinstance(request.data, bytes) else b""  # an empty body reaches no parser
        base = get_revision_for(user, _read_uuid(request, "base"))
        if base.segmentation_id != segmentation_id:
            raise NotFoundError(NOT_VISIBLE_MESSAGE)
        with _telling_of_the_latest():
            revision = save_revision(base, patch_bricks=patch, created_by=user, address=client_address(request))
        return Response(RevisionSerializer(revision).data, status=status.HTTP_201_CREATED)


class AcceptView(APIView):
    """A person vouches for a segmentation as it is."""

    @extend_schema(request=None, responses=SegmentationSerializer)
    def post(self, request: Request, segmentation_id: UUID) -> Response:
        """Accept it: it needs no further eyes."""
        user = signed_in_user(request)
        segmentation = get_segmentation_for(user, segmentation_id)
        accept_segmentation(segmentation, accepted_by=user, address=client_address(request))
        return Response(SegmentationSerializer(get_segmentation_for(user, segmentation_id)).data)


class CutView(APIView):
    """Two lesions that touch, parted."""

    @extend_schema(request=CutSerializer, responses={201: RevisionSerializer, (409, CONTENT_TYPE): StaleBaseSerializer})
    def post(self, request: Request, revision_id: UUID) -> Response:
        """Save the revision with the lesion that the line crosses in two segments; 409 where it is not the latest."""
        user = signed_in_user(request)
        base = get_revision_for(user, revision_id)
        wish = CutSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        line = DrawnLine(ends_mm=wish.validated_data["ends_mm"], sight=wish.validated_data["sight"])
        number = wish.validated_data["segment_number"]
        with _telling_of_the_latest():
            revision = cut_lesion(
                base, segment_number=number, line=line, created_by=user, address=client_address(request)
            )
        return Response(RevisionSerializer(revision).data, status=status.HTTP_201_CREATED)


class LabelMapView(APIView):
    """The voxels of a revision."""

    @extend_schema(responses={(200, OCTETS): OpenApiTypes.BINARY, 304: OpenApiResponse(description="Unchanged.")})
    def get(self, request: Request, revision_id: UUID) -> HttpResponseBase:
        """Return one brick that covers all slices."""
        user = signed_in_user(request)
        revision = get_revision_for(user, revision_id)
        patient = revision.segmentation.series.study.patient
        audit.record_view(actor=user, subject=revision, patient=patient, address=client_address(request))
        if is_unchanged(request, revision.digest):
            return unchanged_response(revision.digest)
        response = HttpResponse(blob_store().path(revision.blob_id).read_bytes(), content_type=OCTETS)
        response["ETag"], response["Cache-Control"] = f'W/"{revision.digest}"', IMMUTABLE
        return response


class ExportView(APIView):
    """A revision as a file for other systems."""

    permission_classes = [MayExport]

    @extend_schema(
        parameters=[OpenApiParameter("format", str, required=True, enum=[str(f) for f in exports.ExportFormat])],
        responses={(200, "application/dicom"): OpenApiTypes.BINARY, (200, "application/gzip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, revision_id: UUID) -> HttpResponseBase:
        """Return it as DICOM SEG or NIfTI."""
        user = signed_in_user(request)
        revision = get_revision_for(user, revision_id)
        file_format = exports.read_format(request.query_params.get("format", ""))
        file = exports.export_revision(
            revision, file_format=file_format, exported_by=user, address=client_address(request)
        )
        return file_response(request, file.path, content_type=file.content_type, file_name=file.file_name)


@contextmanager
def _telling_of_the_latest() -> Iterator[None]:
    """Lay into the refusal of an old base what was saved meanwhile."""
    try:
        yield
    except StaleBaseError as error:
        error.details["latest"] = RevisionSerializer(error.latest).data
        raise


def _describe(row: dict[str, Any]) -> SegmentDescription:
    number: int = row["segment_number"]
    colour = row.get("colour", PALETTE[(number - 1) % len(PALETTE)])
    return SegmentDescription(segment_number=number, segment_label=row["segment_label"], colour=colour.lower())


def _read_uuid(request: Request, name: str) -> UUID:
    try:
        return UUID(request.query_params.get(name, ""))
    except ValueError as error:
        raise InvalidInputError(f"Name the {name} revision by its id.") from error


urlpatterns = [
    path("series/<uuid:series_id>/segmentations", SeriesSegmentationsView.as_view()),
    path("segmentations/<uuid:segmentation_id>/revisions", RevisionsView.as_view()),
    path("segmentations/<uuid:segmentation_id>/accept", AcceptView.as_view()),
    path("revisions/<uuid:revision_id>/cut", CutView.as_view()),
    path("revisions/<uuid:revision_id>/label-map", LabelMapView.as_view()),
    path("revisions/<uuid:revision_id>/export", ExportView.as_view()),
]
