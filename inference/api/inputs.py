"""What a model that reads several series would read: /api/series/<id>/model-inputs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inference.input_images import FoundImages
from inference.registry import get_model
from inference.services.input_images import find_inputs, list_candidates
from studies.permissions import signed_in_user
from studies.selectors.series import get_series_for


class ModelInputSerializer(serializers.Serializer[Any]):
    """One image of a network."""

    channel = serializers.CharField()
    series_id = serializers.UUIDField(allow_null=True, help_text="Null where no series says that it is this image.")
    note = serializers.CharField(help_text="What is doubtful about the choice, or why there is none.")


class SeriesChoiceSerializer(serializers.Serializer[Any]):
    """A series of the study that may be chosen by hand."""

    series_id = serializers.UUIDField()
    words = serializers.CharField()


class ModelInputsSerializer(serializers.Serializer[Any]):
    """The images that a run would read, empty for models that read the open series alone."""

    inputs = ModelInputSerializer(many=True)
    choices = SeriesChoiceSerializer(many=True)
    problem = serializers.CharField(help_text="Why the model cannot be run as it stands; empty where it can.")


class WhichModelSerializer(serializers.Serializer[Any]):
    """The model that is asked about."""

    model = serializers.CharField(max_length=64)


class ModelInputsView(APIView):
    """The series that a model would read together with the open one."""

    @extend_schema(
        parameters=[OpenApiParameter("model", OpenApiTypes.STR, required=True)], responses=ModelInputsSerializer
    )
    def get(self, request: Request, series_id: UUID) -> Response:
        """Return what the headers of the study's series say; asking for the run may name others."""
        series = get_series_for(signed_in_user(request), series_id)
        wish = WhichModelSerializer(data=request.query_params)
        wish.is_valid(raise_exception=True)
        found = find_inputs(get_model(wish.validated_data["model"]), series)
        if found is None:
            return Response(ModelInputsSerializer({"inputs": [], "choices": [], "problem": ""}).data)
        choices = [
            {"series_id": candidate.key, "words": candidate.words}
            for candidate in list_candidates(series)
            if candidate.geometry is not None
        ]
        problem = found.problem.message if found.problem else ""
        answer = {"inputs": _list_inputs(found), "choices": choices, "problem": problem}
        return Response(ModelInputsSerializer(answer).data)


def _list_inputs(found: FoundImages) -> list[dict[str, Any]]:
    return [
        {
            "channel": channel,
            "series_id": found.chosen[channel].key if channel in found.chosen else None,
            "note": found.chosen[channel].note if channel in found.chosen else _as_sentence(found.missing[channel]),
        }
        for channel in found.channels
    ]


def _as_sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:]


urlpatterns = [path("series/<uuid:series_id>/model-inputs", ModelInputsView.as_view())]
