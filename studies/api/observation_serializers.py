"""What was seen of a lesion on a date, as it is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from studies.api.measurements import QuantitySerializer
from studies.models import LesionObservation, LesionState
from studies.tracking.matching import LinkKind

KINDS = [str(kind) for kind in LinkKind]


class RunnerUpSerializer(serializers.Serializer[Any]):
    """The next best reading."""

    kind = serializers.ChoiceField(choices=KINDS)
    lesions = serializers.ListField(child=serializers.CharField())
    part_count = serializers.IntegerField()


class ProposalSerializer(serializers.Serializer[Any]):
    """What the matching proposes, and how sure it is; null where a person entered the observation."""

    kind = serializers.ChoiceField(choices=["first", *KINDS])
    confidence = serializers.FloatField(allow_null=True)
    must_ask = serializers.BooleanField()
    runner_up = RunnerUpSerializer(allow_null=True)
    reason = serializers.CharField(allow_blank=True)

    def to_representation(self, proposal: Any) -> Any:
        """Return the proposal as it is kept: plain already."""
        return proposal or None


class FollowedPartSerializer(serializers.Serializer[Any]):
    """What counts of a marked part; all that is measured of it is in its revision's measurements."""

    volume = QuantitySerializer()
    longest_diameter = QuantitySerializer()
    perpendicular_diameter = QuantitySerializer()

    def to_representation(self, part: Any) -> Any:
        """Return these of the numbers as they are kept: plain already."""
        return {name: part[name] for name in self.fields}


class ComponentsField(serializers.ListField):
    """[segment, lesion number] of each part of the mask that is the lesion."""

    child = serializers.ListField(child=serializers.IntegerField())

    def to_representation(self, components: Any) -> Any:
        """Return them as they are kept: plain already."""
        return components


class ObservationSerializer(serializers.Serializer[LesionObservation]):
    """What was seen of a lesion on a date."""

    id = serializers.UUIDField()
    timepoint_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=LesionState.choices)
    components = ComponentsField()
    measurements = FollowedPartSerializer(many=True)
    merged_into = serializers.CharField(source="merged_into.name", allow_null=True, default=None)
    is_unequivocal_progression = serializers.BooleanField()
    proposal = ProposalSerializer(allow_null=True)
    confirmed_by = serializers.CharField(allow_null=True)
    confirmed_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField()
