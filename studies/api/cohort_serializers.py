"""The patients of a cohort as they are answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from studies.api.assessment_serializers import CATEGORIES, CRITERIA
from studies.api.tracking_serializers import TherapySerializer


class CohortResponseSerializer(serializers.Serializer[Any]):
    """The response on one date."""

    day = serializers.IntegerField()
    response = serializers.ChoiceField(choices=CATEGORIES)
    study_id = serializers.UUIDField()


class CohortMemberSerializer(serializers.Serializer[Any]):
    """One patient of a cohort."""

    patient_id = serializers.UUIDField()
    patient_name = serializers.CharField()
    best_percent = serializers.FloatField(allow_null=True, help_text="Smallest change from baseline, percent.")
    best_low_percent = serializers.FloatField(allow_null=True, help_text="Of the 95 % repeatability interval.")
    best_high_percent = serializers.FloatField(allow_null=True)
    best_unknown_because = serializers.CharField(allow_blank=True)
    partial_percent = serializers.FloatField(allow_null=True, help_text="Where the criterion's lines lie, percent.")
    progression_percent = serializers.FloatField(allow_null=True)
    best_day = serializers.IntegerField(allow_null=True)
    best_overall_response = serializers.ChoiceField(choices=CATEGORIES)
    latest_response = serializers.ChoiceField(choices=CATEGORIES)
    is_provisional = serializers.BooleanField()
    baseline_date = serializers.DateField()
    latest_study_id = serializers.UUIDField()
    responses = CohortResponseSerializer(many=True)
    therapy = TherapySerializer(many=True)


class CohortSerializer(serializers.Serializer[Any]):
    """The patients one sees whose lesions are followed; at most 200."""

    criterion = serializers.ChoiceField(choices=CRITERIA)
    members = CohortMemberSerializer(many=True)
