"""Verdicts on a patient: /api/patients/{id}/assessment, and the cohort: /api/cohort."""

from __future__ import annotations

from uuid import UUID

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.assessment_serializers import (
    AssessmentSerializer,
    InsightSerializer,
    NewOverrideSerializer,
)
from studies.api.cohort_serializers import CohortSerializer
from studies.errors import InvalidInputError
from studies.permissions import client_address, signed_in_user
from studies.selectors.patients import get_patient_for
from studies.services import audit
from studies.services.assessments import override_assessment
from studies.services.verdict_view import view_assessment, view_cohort, view_insight
from studies.tracking.courses import COMPUTABLE
from studies.tracking.criteria.verdict import Criterion
from studies.tracking.criteria.verdict import Response as Category

_CRITERION = OpenApiParameter(
    "criterion",
    str,
    enum=[str(each) for each in COMPUTABLE],
    description="By which criterion; the one the patient is followed by where none is named.",
)


def _read_criterion(request: Request) -> Criterion | None:
    named = request.query_params.get("criterion", "")
    if not named:
        return None
    if named not in [str(each) for each in COMPUTABLE]:
        raise InvalidInputError(f"There is no criterion {named!r}. Choose one of {', '.join(COMPUTABLE)}.")
    return Criterion(named)


class AssessmentView(APIView):
    """The verdict that now holds."""

    @extend_schema(parameters=[_CRITERION], responses=AssessmentSerializer)
    def get(self, request: Request, patient_id: UUID) -> Response:
        """Return the response on each date with its clause and numbers; 422 where nothing can be judged."""
        user = signed_in_user(request)
        patient = get_patient_for(user, patient_id)
        audit.record_view(actor=user, subject=patient, patient=patient, address=client_address(request))
        return Response(AssessmentSerializer(view_assessment(patient, _read_criterion(request))).data)


class InsightView(APIView):
    """What stands behind the verdict."""

    @extend_schema(parameters=[_CRITERION], responses=InsightSerializer)
    def get(self, request: Request, patient_id: UUID) -> Response:
        """Return probabilities, robustness, changes with their intervals and what other criteria say."""
        user = signed_in_user(request)
        patient = get_patient_for(user, patient_id)
        audit.record_view(actor=user, subject=patient, patient=patient, address=client_address(request))
        return Response(InsightSerializer(view_insight(patient, _read_criterion(request))).data)


class OverrideView(APIView):
    """A reader's verdict in place of the computed one, which stays."""

    @extend_schema(request=NewOverrideSerializer, responses=AssessmentSerializer)
    def post(self, request: Request, patient_id: UUID) -> Response:
        """Override the verdict with a reason, or take an override back; 409 where the numbers changed since."""
        user = signed_in_user(request)
        patient = get_patient_for(user, patient_id)
        wish = NewOverrideSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        values, criterion = wish.validated_data, Criterion(wish.validated_data["criterion"])
        override_assessment(
            patient,
            criterion=criterion,
            digest=values["digest"],
            response=Category(values["response"]) if values["response"] else None,
            reason=values["reason"],
            by=user,
            address=client_address(request),
        )
        return Response(AssessmentSerializer(view_assessment(patient, criterion)).data)


class CohortView(APIView):
    """All patients one sees whose lesions are followed."""

    @extend_schema(parameters=[_CRITERION], responses=CohortSerializer)
    def get(self, request: Request) -> Response:
        """Return each with best change and course."""
        criterion = _read_criterion(request) or Criterion.RECIST_1_1
        members = view_cohort(signed_in_user(request), criterion)
        return Response(CohortSerializer({"criterion": criterion, "members": members}).data)


urlpatterns = [
    path("patients/<uuid:patient_id>/assessment", AssessmentView.as_view()),
    path("patients/<uuid:patient_id>/assessment/insight", InsightView.as_view()),
    path("patients/<uuid:patient_id>/assessment/override", OverrideView.as_view()),
    path("cohort", CohortView.as_view()),
]
