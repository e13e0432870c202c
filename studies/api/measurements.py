"""Measured lesions of a label map: /api/revisions/{id}/measurements."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.permissions import client_address, signed_in_user
from studies.selectors.segmentations import get_revision_for
from studies.services import audit
from studies.services.measurements import measure_revision
from studies.tracking.measurement import Caution


class IntervalSerializer(serializers.Serializer[Any]):
    """From low to high; high is null where nothing bounds it."""

    low = serializers.FloatField()
    high = serializers.FloatField(allow_null=True)


class QuantitySerializer(serializers.Serializer[Any]):
    """A number with what the image grid leaves open."""

    value = serializers.FloatField()
    unit = serializers.CharField()
    interval = IntervalSerializer(help_text="Holds the true value in at least 95 of 100 positions of the grid.")
    limit = IntervalSerializer(help_text="What half a voxel more or less all around would make of it.")


class DiameterSerializer(serializers.Serializer[Any]):
    """A distance with its end points."""

    length_mm = serializers.FloatField()
    ends_index = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()), help_text="(slice, row, column), fractional."
    )
    ends_mm = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()), help_text="Patient LPS."
    )


class InPlaneSerializer(serializers.Serializer[Any]):
    """Longest diameter and longest perpendicular in one image."""

    slice_index = serializers.IntegerField(help_text="From 0.")
    longest = DiameterSerializer()
    perpendicular = DiameterSerializer()
    part_count = serializers.IntegerField()


class IntensitySerializer(serializers.Serializer[Any]):
    """Grey values within a lesion."""

    mean = serializers.FloatField()
    standard_deviation = serializers.FloatField()
    minimum = serializers.FloatField()
    maximum = serializers.FloatField()
    unit = serializers.CharField(allow_blank=True)


class UptakePeakSerializer(serializers.Serializer[Any]):
    """The largest mean over a ball of 1 cm3."""

    value = serializers.FloatField()
    centre_mm = serializers.ListField(child=serializers.FloatField(), help_text="Patient LPS.")


class UptakeSerializer(serializers.Serializer[Any]):
    """What a lesion takes up, as drawn."""

    unit = serializers.CharField()
    maximum = serializers.FloatField()
    peak = UptakePeakSerializer(allow_null=True)
    metabolic_volume_ml = serializers.FloatField()
    mean = serializers.FloatField()
    total_glycolysis = serializers.FloatField()


class UptakeScaleSerializer(serializers.Serializer[Any]):
    """SUVbw or SUL of a PET: how it came about, or why it cannot be had."""

    unit = serializers.CharField()
    refusal_code = serializers.CharField(allow_blank=True)
    refusal = serializers.CharField(allow_blank=True)
    basis = serializers.CharField(allow_blank=True)


class LesionMeasurementSerializer(serializers.Serializer[Any]):
    """All numbers of one lesion: a connected part of one segment."""

    segment_number = serializers.IntegerField()
    lesion_number = serializers.IntegerField(help_text="From 1 within its segment.")
    voxel_count = serializers.IntegerField()
    slice_count = serializers.IntegerField()
    centroid_mm = serializers.ListField(child=serializers.FloatField(), help_text="Patient LPS.")
    volume = QuantitySerializer()
    longest_diameter = QuantitySerializer()
    perpendicular_diameter = QuantitySerializer()
    product = QuantitySerializer()
    maximum_diameter = QuantitySerializer(help_text="Through space, in any direction.")
    in_plane = InPlaneSerializer()
    intensity = IntensitySerializer(allow_null=True)
    uptake = UptakeSerializer(many=True, default=[], help_text="On each scale that can be read; PET only.")
    cautions = serializers.ListField(child=serializers.ChoiceField(choices=[str(caution) for caution in Caution]))


class RevisionMeasurementsSerializer(serializers.Serializer[Any]):
    """What is measured of a revision; never changes."""

    revision_digest = serializers.CharField()
    unit = serializers.CharField(allow_blank=True, help_text="Of the intensities; empty where the images name none.")
    plane = serializers.CharField(allow_blank=True, help_text="Of the images: axial, coronal, sagittal, oblique.")
    scales = UptakeScaleSerializer(many=True, help_text="Empty but for PET.")
    lesions = LesionMeasurementSerializer(many=True)


class MeasurementsView(APIView):
    """The lesions of a revision, measured."""

    @extend_schema(responses=RevisionMeasurementsSerializer)
    def get(self, request: Request, revision_id: UUID) -> Response:
        """Return every lesion with its numbers; 409 where the series has no geometry to measure in."""
        user = signed_in_user(request)
        revision = get_revision_for(user, revision_id)
        patient = revision.segmentation.series.study.patient
        audit.record_view(actor=user, subject=revision, patient=patient, address=client_address(request))
        return Response(RevisionMeasurementsSerializer(measure_revision(revision)).data)


urlpatterns = [path("revisions/<uuid:revision_id>/measurements", MeasurementsView.as_view())]
