"""The followed course of a patient: /api/patients/{id}/tracking, and the acts on timepoints, lesions and therapy."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.tracking_serializers import (
    AssignSerializer,
    ConfirmSerializer,
    FollowSerializer,
    LesionDescriptionSerializer,
    NewPlanSerializer,
    RecordedTimepointSerializer,
    StateSerializer,
    TargetChoiceSerializer,
    TargetsSerializer,
    TherapySerializer,
    TrackingSerializer,
)
from studies.models import LesionState, Patient
from studies.permissions import client_address, signed_in_user
from studies.selectors.patients import get_patient_for
from studies.selectors.segmentations import get_segmentation_for
from studies.selectors.studies import get_study_for
from studies.selectors.tracking import get_lesion_for, get_observation_for, get_therapy_for, get_timepoint_for
from studies.services import audit, lesion_edits, therapy, timepoints
from studies.services.lesion_roles import check_targets
from studies.services.tracking_view import view_tracking
from studies.tracking.criteria.verdict import Criterion


def _read(kind: type[serializers.Serializer[Any]], request: Request, *, is_partial: bool = False) -> dict[str, Any]:
    wish = kind(data=request.data, partial=is_partial)
    wish.is_valid(raise_exception=True)
    return dict(wish.validated_data)


def _answer(patient: Patient, code: int = status.HTTP_200_OK) -> Response:
    """Return the whole course: an act on one lesion may move others."""
    return Response(TrackingSerializer(view_tracking(patient)).data, status=code)


class PatientTrackingView(APIView):
    """All that is followed of a patient."""

    @extend_schema(responses=TrackingSerializer)
    def get(self, request: Request, patient_id: UUID) -> Response:
        """Return timepoints, lesions with what was seen of each, therapy, and what could be followed."""
        user = signed_in_user(request)
        patient = get_patient_for(user, patient_id)
        audit.record_view(actor=user, subject=patient, patient=patient, address=client_address(request))
        return _answer(patient)


class PlanView(APIView):
    """How a patient is followed."""

    @extend_schema(request=NewPlanSerializer, responses=TrackingSerializer)
    def patch(self, request: Request, patient_id: UUID) -> Response:
        """Choose criterion, configuration or baseline."""
        user = signed_in_user(request)
        patient, wish = get_patient_for(user, patient_id), _read(NewPlanSerializer, request)
        baseline_id = wish.get("baseline_id")
        timepoints.plan_response(
            patient,
            criterion=Criterion(wish["criterion"]) if "criterion" in wish else None,
            configuration=wish.get("configuration"),
            baseline=get_timepoint_for(user, baseline_id) if baseline_id else None,
            is_baseline_first="baseline_id" in wish and baseline_id is None,
            by=user,
            address=client_address(request),
        )
        return _answer(patient)


class TargetsView(APIView):
    """The targets of a patient."""

    @extend_schema(request=TargetsSerializer, responses=TrackingSerializer)
    def put(self, request: Request, patient_id: UUID) -> Response:
        """Choose them all at once."""
        user = signed_in_user(request)
        patient, wish = get_patient_for(user, patient_id), _read(TargetsSerializer, request)
        targets = [get_lesion_for(user, lesion_id) for lesion_id in wish["lesion_ids"]]
        lesion_edits.choose_targets(
            patient, targets=targets, seen=wish.get("seen_ids"), by=user, address=client_address(request)
        )
        return _answer(patient)


class TargetChoiceView(APIView):
    """Lesions that are not targets yet."""

    @extend_schema(parameters=[TargetsSerializer], responses=TargetChoiceSerializer)
    def get(self, request: Request, patient_id: UUID) -> Response:
        """Tell how they spread over organs and whether they may be targets together."""
        patient = get_patient_for(signed_in_user(request), patient_id)
        named = TargetsSerializer(data={"lesion_ids": request.query_params.getlist("lesion_ids")})
        named.is_valid(raise_exception=True)
        choice = check_targets(patient, named.validated_data["lesion_ids"])
        organs = [{"organ": organ, "count": count} for organ, count in choice.organs.items()]
        return Response(TargetChoiceSerializer({"organs": organs, "problems": choice.problems}).data)


class FollowView(APIView):
    """A study that is followed."""

    @extend_schema(request=FollowSerializer, responses=TrackingSerializer)
    def put(self, request: Request, study_id: UUID) -> Response:
        """Follow the lesions on a study by one of its segmentations."""
        user = signed_in_user(request)
        study, wish = get_study_for(user, study_id), _read(FollowSerializer, request)
        segmentation = get_segmentation_for(user, wish["segmentation_id"])
        timepoints.follow_study(study, segmentation=segmentation, by=user, address=client_address(request))
        return _answer(study.patient)


class TimepointView(APIView):
    """What is recorded on a date."""

    @extend_schema(request=RecordedTimepointSerializer, responses=TrackingSerializer)
    def patch(self, request: Request, timepoint_id: UUID) -> Response:
        """Record how the patient was, or leave the date out with a reason."""
        user = signed_in_user(request)
        timepoint = get_timepoint_for(user, timepoint_id)
        values = _read(RecordedTimepointSerializer, request, is_partial=True)
        timepoints.record_timepoint(timepoint, values=values, by=user, address=client_address(request))
        return _answer(timepoint.study.patient)


class AssignView(APIView):
    """Parts of a date's mask."""

    @extend_schema(request=AssignSerializer, responses=TrackingSerializer)
    def post(self, request: Request, timepoint_id: UUID) -> Response:
        """Say which lesion a marked part is."""
        user = signed_in_user(request)
        timepoint, wish = get_timepoint_for(user, timepoint_id), _read(AssignSerializer, request)
        (segment, number), seen = wish["component"], wish.get("seen")
        lesion = get_lesion_for(user, wish["lesion_id"]) if wish["lesion_id"] else None
        lesion_edits.assign_component(
            timepoint,
            (segment, number),
            lesion=lesion,
            seen=(seen["revision_id"], seen["lesion_id"]) if seen else None,
            by=user,
            address=client_address(request),
        )
        return _answer(timepoint.study.patient)


class LesionView(APIView):
    """What is said of a lesion."""

    @extend_schema(request=LesionDescriptionSerializer, responses=TrackingSerializer)
    def patch(self, request: Request, lesion_id: UUID) -> Response:
        """Set role, organ and the like, or say that it is no lesion."""
        user = signed_in_user(request)
        lesion = get_lesion_for(user, lesion_id)
        values = _read(LesionDescriptionSerializer, request, is_partial=True)
        lesion_edits.describe_lesion(lesion, values=values, by=user, address=client_address(request))
        return _answer(lesion.patient)


class ObservationView(APIView):
    """What is said of a lesion on a date."""

    @extend_schema(request=StateSerializer, responses=TrackingSerializer)
    def put(self, request: Request, lesion_id: UUID, timepoint_id: UUID) -> Response:
        """Say what is to be seen of the lesion, whatever was proposed."""
        user = signed_in_user(request)
        lesion, timepoint = get_lesion_for(user, lesion_id), get_timepoint_for(user, timepoint_id)
        wish = _read(StateSerializer, request)
        other = wish.get("merged_into_id")
        lesion_edits.state_lesion(
            lesion,
            timepoint,
            state=LesionState(wish["state"]),
            merged_into=get_lesion_for(user, other) if other else None,
            is_unequivocal_progression=wish["is_unequivocal_progression"],
            note=wish.get("note"),
            seen=wish.get("seen"),
            by=user,
            address=client_address(request),
        )
        return _answer(lesion.patient)


class ConfirmView(APIView):
    """A proposal of the matching."""

    @extend_schema(request=ConfirmSerializer, responses=TrackingSerializer)
    def post(self, request: Request, observation_id: UUID) -> Response:
        """Say that it is right."""
        user = signed_in_user(request)
        observation, wish = get_observation_for(user, observation_id), _read(ConfirmSerializer, request)
        lesion_edits.confirm_observation(
            observation,
            certainty=wish.get("certainty", ""),
            seen=wish.get("seen"),
            by=user,
            address=client_address(request),
        )
        return _answer(observation.lesion.patient)


class TherapiesView(APIView):
    """The patient's treatments."""

    @extend_schema(request=TherapySerializer, responses={201: TrackingSerializer})
    def post(self, request: Request, patient_id: UUID) -> Response:
        """Record one."""
        user = signed_in_user(request)
        patient, values = get_patient_for(user, patient_id), _read(TherapySerializer, request)
        therapy.record_therapy(patient, values=values, by=user, address=client_address(request))
        return _answer(patient, status.HTTP_201_CREATED)


class TherapyView(APIView):
    """One treatment."""

    @extend_schema(request=TherapySerializer, responses=TrackingSerializer)
    def patch(self, request: Request, therapy_id: UUID) -> Response:
        """Change it."""
        user = signed_in_user(request)
        line = get_therapy_for(user, therapy_id)
        values = _read(TherapySerializer, request, is_partial=True)
        therapy.record_therapy(line.patient, values=values, line=line, by=user, address=client_address(request))
        return _answer(line.patient)

    @extend_schema(responses={200: TrackingSerializer})
    def delete(self, request: Request, therapy_id: UUID) -> Response:
        """Take it out."""
        user = signed_in_user(request)
        line = get_therapy_for(user, therapy_id)
        therapy.remove_therapy(line, by=user, address=client_address(request))
        return _answer(line.patient)


urlpatterns = [
    path("patients/<uuid:patient_id>/tracking", PatientTrackingView.as_view()),
    path("patients/<uuid:patient_id>/plan", PlanView.as_view()),
    path("patients/<uuid:patient_id>/targets", TargetsView.as_view()),
    path("patients/<uuid:patient_id>/targets/check", TargetChoiceView.as_view()),
    path("patients/<uuid:patient_id>/therapies", TherapiesView.as_view()),
    path("studies/<uuid:study_id>/timepoint", FollowView.as_view()),
    path("timepoints/<uuid:timepoint_id>", TimepointView.as_view()),
    path("timepoints/<uuid:timepoint_id>/assign", AssignView.as_view()),
    path("lesions/<uuid:lesion_id>", LesionView.as_view()),
    path("lesions/<uuid:lesion_id>/timepoints/<uuid:timepoint_id>", ObservationView.as_view()),
    path("observations/<uuid:observation_id>/confirm", ConfirmView.as_view()),
    path("therapies/<uuid:therapy_id>", TherapyView.as_view()),
]
