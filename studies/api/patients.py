"""A patient and their studies: /api/patients/{id}."""

from __future__ import annotations

from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.briefs import PatientBriefSerializer, StudyBriefSerializer, TeamBriefSerializer
from studies.permissions import client_address, signed_in_user
from studies.selectors.patients import get_patient_for
from studies.selectors.studies import studies_of
from studies.services import audit


class PatientSerializer(PatientBriefSerializer):
    """A patient with the teams shared with the reader, and every study, newest first."""

    teams = TeamBriefSerializer(many=True, source="reader_teams")
    studies = StudyBriefSerializer(many=True)


class PatientView(APIView):
    """One patient."""

    @extend_schema(responses=PatientSerializer)
    def get(self, request: Request, patient_id: UUID) -> Response:
        """Return the patient and their studies."""
        user = signed_in_user(request)
        patient = get_patient_for(user, patient_id)
        audit.record_view(actor=user, subject=patient, patient=patient, address=client_address(request))
        teams = TeamBriefSerializer(patient.reader_teams, many=True).data  # type: ignore[attr-defined]  # by the selector
        studies = StudyBriefSerializer(list(studies_of(patient)), many=True).data  # type: ignore[arg-type]
        return Response({**PatientBriefSerializer(patient).data, "teams": teams, "studies": studies})


urlpatterns = [path("patients/<uuid:patient_id>", PatientView.as_view())]
