"""The short forms of records that several answers share."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from studies.models import GeometryVerdict, Patient, SegmentationState, Series, Study, Team


class ModalitiesField(serializers.ListField):
    """ModalitiesInStudy, stored backslash-separated as in DICOM, as a list."""

    child = serializers.CharField()

    def to_representation(self, data: Any) -> list[str]:
        """Split at the backslashes."""
        return [modality for modality in str(data).split("\\") if modality]


class TeamBriefSerializer(serializers.Serializer[Team]):
    """A care team."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class PatientBriefSerializer(serializers.Serializer[Patient]):
    """A patient as named beside every study."""

    id = serializers.UUIDField()
    patient_id = serializers.CharField()
    patient_name = serializers.CharField(help_text="DICOM PN: components separated by ^.")
    patient_birth_date = serializers.DateField(allow_null=True)
    patient_sex = serializers.CharField()
    is_synthetic = serializers.BooleanField(help_text="Made by the demo generator; no real person.")


class StudyBriefSerializer(serializers.Serializer[Study]):
    """A study in a list."""

    id = serializers.UUIDField()
    study_date = serializers.DateField(allow_null=True)
    study_time = serializers.TimeField(allow_null=True)
    study_description = serializers.CharField()
    modalities = ModalitiesField()
    series_count = serializers.IntegerField()
    instance_count = serializers.IntegerField()
    segmentation_state = serializers.ChoiceField(choices=SegmentationState.choices)
    segmentation_count = serializers.IntegerField()
    first_series_id = serializers.UUIDField(allow_null=True, help_text="The series to show for the study.")


class SeriesBriefSerializer(serializers.Serializer[Series]):
    """A series in a list, with what its geometry allows."""

    id = serializers.UUIDField()
    series_number = serializers.IntegerField(allow_null=True)
    series_description = serializers.CharField()
    modality = serializers.CharField()
    body_part_examined = serializers.CharField()
    instance_count = serializers.IntegerField()
    frame_count = serializers.IntegerField()
    geometry_verdict = serializers.ChoiceField(choices=GeometryVerdict.choices)
    geometry_explanation = serializers.CharField()
    is_volume = serializers.SerializerMethodField(help_text="One regular grid: may be reformatted and measured in 3D.")
    spacing_mm = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, min_length=3, max_length=3, help_text="[slice, row, column]"
    )
    frame_of_reference_uid = serializers.CharField()

    def get_is_volume(self, series: Series) -> bool:
        """Tell whether the verdict allows treating the series as a volume."""
        return series.geometry_verdict == GeometryVerdict.REGULAR
