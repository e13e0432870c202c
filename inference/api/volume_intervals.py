"""What a network's probabilities say of volumes: /api/revisions/<id>/volume-intervals."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inference.calibration import IntervalBasis, WhyOwnDoubt
from inference.services.volume_intervals import NoIntervals, find_volume_intervals
from studies.permissions import signed_in_user
from studies.selectors.segmentations import get_revision_for


class VolumeIntervalSerializer(serializers.Serializer[Any]):
    """A segment's volume as the network's probabilities have it, mL."""

    segment_number = serializers.IntegerField()
    expected_ml = serializers.FloatField(source="found.expected", help_text="Sum of probabilities over voxels.")
    low_ml = serializers.FloatField(source="found.low")
    high_ml = serializers.FloatField(source="found.high")
    basis = serializers.ChoiceField(source="found.basis", choices=[(each.value, each.value) for each in IntervalBasis])
    reason = serializers.ChoiceField(
        source="found.reason",
        choices=[(each.value, each.value) for each in WhyOwnDoubt],
        allow_null=True,
        help_text="Why it rests on the network's own doubt alone; null where it does not.",
    )
    cases = serializers.IntegerField(allow_null=True, help_text="Outlined cases from which its width is known.")


class VolumeIntervalsSerializer(serializers.Serializer[Any]):
    """Of the run that made a revision."""

    level = serializers.FloatField(help_text="Share of cases like the calibration's that a conformal interval holds.")
    intervals = VolumeIntervalSerializer(many=True)
    reason = serializers.ChoiceField(
        choices=[(each.value, each.value) for each in NoIntervals], allow_null=True, help_text="Why there are none."
    )


class VolumeIntervalsView(APIView):
    """The intervals of a revision."""

    @extend_schema(responses=VolumeIntervalsSerializer)
    def get(self, request: Request, revision_id: UUID) -> Response:
        """Return one for each segment of the network's run, or why there is none."""
        revision = get_revision_for(signed_in_user(request), revision_id)
        return Response(VolumeIntervalsSerializer(find_volume_intervals(revision)).data)


urlpatterns = [path("revisions/<uuid:revision_id>/volume-intervals", VolumeIntervalsView.as_view())]
