"""A study and its series: /api/studies/{id}."""

from __future__ import annotations

from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.briefs import PatientBriefSerializer, SeriesBriefSerializer, StudyBriefSerializer
from studies.permissions import client_address, signed_in_user
from studies.selectors.studies import get_study_for
from studies.services import audit


class StudySerializer(StudyBriefSerializer):
    """A study with its patient and its series in order of their number."""

    patient = PatientBriefSerializer()
    accession_number = serializers.CharField()
    received_at = serializers.DateTimeField()
    series = SeriesBriefSerializer(many=True, source="series.all")


class StudyView(APIView):
    """One study."""

    @extend_schema(responses=StudySerializer)
    def get(self, request: Request, study_id: UUID) -> Response:
        """Return the study, its patient and its series."""
        user = signed_in_user(request)
        study = get_study_for(user, study_id)
        audit.record_view(actor=user, subject=study, patient=study.patient, address=client_address(request))
        return Response(StudySerializer(study).data)


urlpatterns = [path("studies/<uuid:study_id>", StudyView.as_view())]
