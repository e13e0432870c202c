"""How a prior series lies over a current one: /api/series/{current}/registrations/{prior}."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.briefs import SeriesBriefSerializer
from studies.imaging.registration import RegistrationProblem
from studies.models import Series, SeriesRegistration
from studies.permissions import client_address, signed_in_user
from studies.selectors.registrations import get_series_pair_for
from studies.services.registrations import (
    NotRegisteredError,
    explain_registration,
    find_registration,
    nudge_registration,
    prior_to_current,
    request_registration,
    require_one_patient,
)

NONE = "none"


class PriorStudySerializer(serializers.Serializer[Any]):
    """The examination that the prior series belongs to."""

    id = serializers.UUIDField()
    study_date = serializers.DateField(allow_null=True)
    study_description = serializers.CharField()


class RegistrationSerializer(serializers.Serializer[Any]):
    """What is known of how two series lie over each other, as they now stand."""

    prior_series_id = serializers.UUIDField()
    current_series_id = serializers.UUIDField()
    prior_study = PriorStudySerializer()
    prior_series = SeriesBriefSerializer()
    state = serializers.ChoiceField(choices=[NONE, "pending", "done", "failed"], help_text="none: never asked for.")
    is_trusted = serializers.BooleanField(help_text="Views may be linked by it without asking.")
    prior_to_current_mm = serializers.ListField(
        child=serializers.FloatField(),
        min_length=16,
        max_length=16,
        allow_null=True,
        help_text="4x4, row-major, patient LPS mm, the nudge included; null unless done.",
    )
    nudge_mm = serializers.ListField(child=serializers.FloatField(), min_length=3, max_length=3)
    nudged_by = serializers.CharField(allow_null=True)
    residual_mm = serializers.FloatField(allow_null=True, help_text="By how much there and back misses its start.")
    overlap = serializers.FloatField()
    confidence = serializers.FloatField()
    problems = serializers.ListField(child=serializers.ChoiceField(choices=[str(code) for code in RegistrationProblem]))
    explanation = serializers.CharField(allow_blank=True, help_text="Why it failed or is doubtful, for the person.")


class NudgeSerializer(serializers.Serializer[Any]):
    """Where a person wants the prior instead."""

    nudge_mm = serializers.ListField(
        child=serializers.FloatField(),
        min_length=3,
        max_length=3,
        help_text="[x, y, z] from where it was computed to lie, in the current patient coordinates.",
    )


def _open_pair(request: Request, series_id: UUID, prior_id: UUID) -> tuple[Series, Series]:
    """Return two visible series of one patient, current first."""
    current, prior = get_series_pair_for(signed_in_user(request), current_id=series_id, prior_id=prior_id)
    require_one_patient(prior, current)
    return current, prior


def _describe(prior: Series, current: Series, found: SeriesRegistration | None) -> dict[str, Any]:
    pair = {
        "prior_series_id": prior.pk,
        "current_series_id": current.pk,
        "prior_study": prior.study,
        "prior_series": prior,
    }
    row = found or SeriesRegistration(prior_series=prior, current_series=current)
    is_done = found is not None and row.state == "done"
    return RegistrationSerializer(
        {
            **pair,
            "state": row.state if found else NONE,
            "is_trusted": row.is_trusted,
            "prior_to_current_mm": prior_to_current(row).reshape(-1).tolist() if is_done else None,
            "nudge_mm": row.nudge_mm,
            "nudged_by": row.nudged_by.username if row.nudged_by else None,
            "residual_mm": row.residual_mm,
            "overlap": row.overlap,
            "confidence": row.confidence,
            "problems": row.problems,
            "explanation": explain_registration(row),
        }
    ).data


class RegistrationView(APIView):
    """How a prior series lies over a current one."""

    @extend_schema(responses=RegistrationSerializer)
    def get(self, request: Request, series_id: UUID, prior_id: UUID) -> Response:
        """Return what is known; state `none` where nobody has asked."""
        current, prior = _open_pair(request, series_id, prior_id)
        return Response(_describe(prior, current, find_registration(prior, current)))

    @extend_schema(request=None, responses={200: RegistrationSerializer, 202: RegistrationSerializer})
    def post(self, request: Request, series_id: UUID, prior_id: UUID) -> Response:
        """Have them aligned, again where that failed; 202 while it is under way."""
        current, prior = _open_pair(request, series_id, prior_id)
        found = request_registration(prior, current, retry_failed=True)
        code = status.HTTP_202_ACCEPTED if found.state == "pending" else status.HTTP_200_OK
        return Response(_describe(prior, current, found), status=code)


class NudgeView(APIView):
    """The correction of an alignment by hand."""

    @extend_schema(request=NudgeSerializer, responses=RegistrationSerializer)
    def put(self, request: Request, series_id: UUID, prior_id: UUID) -> Response:
        """Move the prior; at most 50 mm from where it was computed to lie."""
        current, prior = _open_pair(request, series_id, prior_id)
        wish = NudgeSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        found = find_registration(prior, current)
        if found is None:
            raise NotRegisteredError("The two series are not aligned yet. Ask for that first.")
        user = signed_in_user(request)
        moved = nudge_registration(found, wish.validated_data["nudge_mm"], by=user, address=client_address(request))
        return Response(_describe(prior, current, moved))


urlpatterns = [
    path("series/<uuid:series_id>/registrations/<uuid:prior_id>", RegistrationView.as_view()),
    path("series/<uuid:series_id>/registrations/<uuid:prior_id>/nudge", NudgeView.as_view()),
]
