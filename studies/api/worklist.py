"""The worklist: /api/worklist."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.briefs import ModalitiesField, PatientBriefSerializer
from studies.models import GateOutcome, SegmentationState, Study
from studies.permissions import signed_in_user
from studies.selectors.worklist import (
    MAX_PAGE_SIZE,
    ORDERING_CHOICES,
    ModelRun,
    WorklistPage,
    WorklistQuery,
    worklist_for,
)


class WorklistQuerySerializer(serializers.Serializer[Any]):
    """The query string."""

    search = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="Beginnings of words of the patient's name or id, the description or the accession number.",
    )
    modality = serializers.CharField(required=False, max_length=16)
    team = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=SegmentationState.choices, required=False)
    date_from = serializers.DateField(required=False)
    date_to = serializers.DateField(required=False)
    ordering = serializers.ChoiceField(choices=ORDERING_CHOICES, required=False)
    page = serializers.IntegerField(required=False, min_value=1, max_value=1_000_000)
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=MAX_PAGE_SIZE)


class ModelRunSerializer(serializers.Serializer[ModelRun]):
    """What a model marked on a study."""

    name = serializers.CharField(help_text="The model's title.")
    model_version = serializers.CharField()
    gate_outcome = serializers.ChoiceField(choices=GateOutcome.choices, help_text="What its quality gate said.")
    accepted_at = serializers.DateTimeField(allow_null=True, help_text="When a person accepted or corrected it.")


class WorklistEntrySerializer(serializers.Serializer[Study]):
    """One line of the worklist."""

    study_id = serializers.UUIDField(source="pk")
    patient = PatientBriefSerializer()
    study_date = serializers.DateField(allow_null=True)
    study_time = serializers.TimeField(allow_null=True)
    study_description = serializers.CharField()
    modalities = ModalitiesField()
    series_count = serializers.IntegerField()
    instance_count = serializers.IntegerField()
    received_at = serializers.DateTimeField()
    teams = serializers.SerializerMethodField(help_text="Names of the teams shared with the reader.")
    segmentation_state = serializers.ChoiceField(choices=SegmentationState.choices)
    segmentation_progress = serializers.FloatField(help_text="0 to 1.")
    segmentation_count = serializers.IntegerField()
    runs = ModelRunSerializer(many=True, help_text="What models marked, what asks for a person first.")

    def get_teams(self, study: Study) -> list[str]:
        """Return team names in order."""
        return [team.name for team in study.patient.reader_teams]  # type: ignore[attr-defined]


class WorklistPageSerializer(serializers.Serializer[WorklistPage]):
    """A page of the worklist."""

    count = serializers.IntegerField(help_text="Studies in all, on every page; of many, how many there are at least.")
    is_count_exact = serializers.BooleanField(help_text="False where there are more than the count.")
    has_next = serializers.BooleanField(help_text="Whether a page follows this one.")
    page = serializers.IntegerField()
    page_size = serializers.IntegerField()
    results = WorklistEntrySerializer(many=True)


class WorklistView(APIView):
    """The studies of the reader's teams."""

    @extend_schema(parameters=[WorklistQuerySerializer], responses=WorklistPageSerializer)
    def get(self, request: Request) -> Response:
        """Return one page, searched, filtered and sorted."""
        asked = {name: value for name, value in request.query_params.items() if value != ""}
        query = WorklistQuerySerializer(data=asked)
        query.is_valid(raise_exception=True)
        page = worklist_for(signed_in_user(request), WorklistQuery(**query.validated_data))
        return Response(WorklistPageSerializer(page).data)


urlpatterns = [path("worklist", WorklistView.as_view())]
