"""Models held against outlined cases: /api/evaluations. Administrators only, each of their own teams' cases."""

from __future__ import annotations

import io
import json
from typing import IO, Any, cast
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inference.api.evaluation_serializers import (
    EvaluationWishSerializer,
    ModelEvaluationDetailSerializer,
    ModelEvaluationListSerializer,
    ModelEvaluationSerializer,
)
from inference.api.model_imports import ModelFileParser
from inference.evaluation.baselines import BASELINES
from inference.evaluation.wish import EvaluationWish
from inference.evidence import CASES_FILE, EVALUATION_FILE, HTML_FILE
from inference.models import EvaluationFile, EvaluationSource, ModelEvaluation
from inference.selectors import get_evaluation_for
from inference.services.evaluations import (
    EvaluationRequest,
    cancel_evaluation,
    list_evaluations_for,
    most_case_bytes,
    request_archive_evaluation,
    request_file_evaluation,
)
from studies.api.streams import OCTETS
from studies.errors import ConflictError
from studies.permissions import IsAdministrator, client_address, signed_in_user

_TYPES = {EVALUATION_FILE: "application/json", CASES_FILE: "text/csv; charset=utf-8", HTML_FILE: "text/html"}
_PICTURE = "image/webp"


class NotThereYetError(ConflictError):
    """The evaluation left no such file, or is not over."""

    code = "evaluation.no_such_file"


def _describe(evaluation: ModelEvaluation) -> dict[str, Any]:
    file = EvaluationFile.objects.filter(evaluation=evaluation, name=EVALUATION_FILE).first()
    evaluation.report = json.loads(bytes(file.payload)) if file else None  # type: ignore[attr-defined]
    return dict(ModelEvaluationDetailSerializer(evaluation).data)


def _read_wish(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text or "{}")
    except ValueError:
        said = {}
    wish = EvaluationWishSerializer(data=said)
    wish.is_valid(raise_exception=True)
    return dict(wish.validated_data)


def _as_request(said: dict[str, Any]) -> EvaluationRequest:
    asked = EvaluationWish(
        baseline=said["baseline"],
        modality=said["modality"],
        segments=said["segments"],
        least_dice=said["least_dice"],
    )
    return EvaluationRequest(said["model"], said["team"], asked)


class EvaluationsView(APIView):
    """Evaluations."""

    permission_classes = (IsAdministrator,)
    parser_classes = (ModelFileParser,)

    @extend_schema(responses=ModelEvaluationListSerializer)
    def get(self, request: Request) -> Response:
        """List the newest of the administrator's teams."""
        content = {
            "results": list_evaluations_for(signed_in_user(request)),
            "most_bytes": most_case_bytes(),
            "baselines": list(BASELINES),
        }
        return Response(ModelEvaluationListSerializer(content).data)

    @extend_schema(
        request={OCTETS: OpenApiTypes.BINARY},
        parameters=[
            OpenApiParameter(
                "wish",
                OpenApiTypes.STR,
                required=True,
                description="JSON: model, team, cases_from (file or archive), file_name, baseline, modality, "
                "least_dice (0 to 1), segments ({segment number: [outlined numbers]}).",
            )
        ],
        responses={201: ModelEvaluationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Queue one: over a zip that is the body, or over label maps that people left in the archive."""
        said = _read_wish(request.query_params.get("wish", ""))
        user, address = signed_in_user(request), client_address(request)
        if said["cases_from"] == EvaluationSource.ARCHIVE:
            found = request_archive_evaluation(_as_request(said), requested_by=user, address=address)
        else:
            found = request_file_evaluation(
                cast(IO[bytes], request.data or io.BytesIO()),  # an empty body is no stream
                _as_request(said),
                file_name=said["file_name"],
                requested_by=user,
                address=address,
            )
        return Response(ModelEvaluationSerializer(found).data, status=status.HTTP_201_CREATED)


class EvaluationView(APIView):
    """One evaluation."""

    permission_classes = (IsAdministrator,)

    @extend_schema(responses=ModelEvaluationDetailSerializer)
    def get(self, request: Request, evaluation_id: UUID) -> Response:
        """Return it with what was found."""
        return Response(_describe(get_evaluation_for(signed_in_user(request), evaluation_id)))


class EvaluationCancelView(APIView):
    """An evaluation that shall stop."""

    permission_classes = (IsAdministrator,)

    @extend_schema(request=None, responses=ModelEvaluationSerializer)
    def post(self, request: Request, evaluation_id: UUID) -> Response:
        """Stop it."""
        user = signed_in_user(request)
        found = get_evaluation_for(user, evaluation_id)
        cancelled = cancel_evaluation(found, cancelled_by=user, address=client_address(request))
        return Response(ModelEvaluationSerializer(cancelled).data)


class EvaluationFileView(APIView):
    """What an evaluation left."""

    permission_classes = (IsAdministrator,)

    @extend_schema(
        responses={(200, kind): OpenApiTypes.BINARY for kind in ("application/json", "text/csv", "text/html", _PICTURE)}
    )
    def get(self, request: Request, evaluation_id: UUID, name: str) -> HttpResponseBase:
        """Return a file: evaluation.json, cases.csv, evaluation.html or a picture worst-1.webp."""
        evaluation = get_evaluation_for(signed_in_user(request), evaluation_id)
        file = EvaluationFile.objects.filter(evaluation=evaluation, name=name).first()
        if file is None:
            raise NotThereYetError("This evaluation has left no such file. Wait for its end, or reload the page.")
        answer = HttpResponse(bytes(file.payload), content_type=_TYPES.get(name, _PICTURE))
        answer["Cache-Control"] = "private, no-store"
        if name in _TYPES:  # to be saved, not opened: a page of figures is no page of the portal
            saved = f"{evaluation.model_name}-{evaluation.created_at:%Y-%m-%d}-{name}"
            answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=saved)
        return answer


urlpatterns = [
    path("evaluations", EvaluationsView.as_view()),
    path("evaluations/<uuid:evaluation_id>", EvaluationView.as_view()),
    path("evaluations/<uuid:evaluation_id>/cancel", EvaluationCancelView.as_view()),
    path("evaluations/<uuid:evaluation_id>/files/<str:name>", EvaluationFileView.as_view()),
]
