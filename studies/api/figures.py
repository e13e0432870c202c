"""Clinical figures of a label map: /api/revisions/{id}/figures and a structure's volume over dates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.measurements import IntervalSerializer, QuantitySerializer
from studies.figures.figure import FigureCaution, FigureKind, UnknownReason
from studies.models import SegmentationRevision
from studies.permissions import client_address, signed_in_user
from studies.selectors.segmentations import get_revision_for
from studies.services import audit
from studies.services.figures import find_figures
from studies.services.structure_courses import StructureDate, trace_structure


class FigureSerializer(serializers.Serializer[Any]):
    """One number, or why it is unknown."""

    kind = serializers.ChoiceField(choices=[(each.value, each.value) for each in FigureKind])
    segment_number = serializers.IntegerField()
    value = serializers.FloatField(allow_null=True)
    unit = serializers.CharField()
    interval = IntervalSerializer(allow_null=True, help_text="What the outline on its grid leaves open.")
    unknown = serializers.ChoiceField(choices=[(each.value, each.value) for each in UnknownReason], allow_null=True)
    frame_index = serializers.IntegerField(allow_null=True, help_text="The image it was taken in, from 0.")
    phase = serializers.IntegerField(allow_null=True, help_text="Time within the heartbeat, from 1.")
    phase_count = serializers.IntegerField(allow_null=True)
    slice_count = serializers.IntegerField(allow_null=True)
    cautions = serializers.ListField(child=serializers.ChoiceField(choices=[str(each) for each in FigureCaution]))


class SegmentVolumeSerializer(serializers.Serializer[Any]):
    """All of a segment."""

    segment_number = serializers.IntegerField()
    volume = QuantitySerializer()


class RevisionFiguresSerializer(serializers.Serializer[Any]):
    """What a revision's structures come to; never changes."""

    revision_digest = serializers.CharField()
    volumes = SegmentVolumeSerializer(many=True, help_text="Empty where the images have no known places.")
    figures = FigureSerializer(many=True)


class VolumeChangeSerializer(serializers.Serializer[Any]):
    """Since the date before."""

    percent = serializers.FloatField()
    interval = IntervalSerializer(allow_null=True, help_text="In percent; what the grids of both dates leave open.")


class StructureDateSerializer(serializers.Serializer[StructureDate]):
    """A structure on one date."""

    study_id = serializers.UUIDField()
    series_id = serializers.UUIDField()
    revision_id = serializers.UUIDField()
    study_date = serializers.DateField()
    series_description = serializers.CharField()
    segmentation_name = serializers.CharField(help_text="It was measured in.")
    is_open = serializers.BooleanField()
    volume = QuantitySerializer()
    change = VolumeChangeSerializer(allow_null=True)


class StructureCourseSerializer(serializers.Serializer[Any]):
    """A structure over dates, the oldest first."""

    results = StructureDateSerializer(many=True)


def _open(request: Request, revision_id: UUID) -> SegmentationRevision:
    user = signed_in_user(request)
    revision = get_revision_for(user, revision_id)
    patient = revision.segmentation.series.study.patient
    audit.record_view(actor=user, subject=revision, patient=patient, address=client_address(request))
    return revision


class FiguresView(APIView):
    """The figures of a revision."""

    @extend_schema(responses=RevisionFiguresSerializer)
    def get(self, request: Request, revision_id: UUID) -> Response:
        """Return the volume of each segment, and what its kind of structure is measured by besides."""
        found = find_figures(_open(request, revision_id))
        volumes = [{"segment_number": number, "volume": volume} for number, volume in found.volumes.items()]
        answer = {"revision_digest": found.revision_digest, "volumes": volumes, "figures": found.figures}
        return Response(RevisionFiguresSerializer(answer).data)


class StructureCourseView(APIView):
    """A structure over a patient's dates."""

    @extend_schema(responses=StructureCourseSerializer)
    def get(self, request: Request, revision_id: UUID, number: int) -> Response:
        """Return its volume on each date on which it was measured, with the change since the date before."""
        dates = trace_structure(_open(request, revision_id), number)
        return Response(StructureCourseSerializer({"results": dates}).data)


urlpatterns = [
    path("revisions/<uuid:revision_id>/figures", FiguresView.as_view()),
    path("revisions/<uuid:revision_id>/segments/<int:number>/course", StructureCourseView.as_view()),
]
