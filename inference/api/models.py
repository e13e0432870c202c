"""The catalogue of models: /api/models."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inference.model_spec import Method, ModelSpec, ParameterKind
from inference.registry import check_applicable, list_models
from studies.models import Series
from studies.permissions import signed_in_user
from studies.selectors.series import get_series_for


class ModelParameterSerializer(serializers.Serializer[Any]):
    """A value a person may set before a run."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # a field of this name, not the serializer's label
    kind = serializers.ChoiceField(choices=[(k.value, k.value) for k in ParameterKind])
    unit = serializers.CharField()
    default = serializers.FloatField(allow_null=True, help_text="Null asks for a value.")
    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)


class ModelSegmentSerializer(serializers.Serializer[Any]):
    """A structure the model labels."""

    segment_number = serializers.IntegerField()
    segment_label = serializers.CharField()
    colour = serializers.CharField(help_text="#rrggbb")


class ModelSerializer(serializers.Serializer[Any]):
    """A model, and whether it can run on the series asked about."""

    name = serializers.CharField()
    version = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    limits = serializers.CharField(help_text="What it cannot do.")
    method = serializers.ChoiceField(choices=[(m.value, m.value) for m in Method])
    modalities = serializers.ListField(child=serializers.CharField(), help_text="Empty takes any.")
    channels = serializers.ListField(
        child=serializers.CharField(), help_text="Images of one examination that it reads together, where several."
    )
    segments = ModelSegmentSerializer(many=True)
    parameters = ModelParameterSerializer(many=True)
    licence = serializers.CharField()
    card = serializers.CharField(help_text="Markdown.")
    is_applicable = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True, help_text="Why it is not applicable.")


class ModelListSerializer(serializers.Serializer[Any]):
    """The catalogue."""

    results = ModelSerializer(many=True)


class ModelFilterSerializer(serializers.Serializer[Any]):
    """Which series the catalogue is asked for."""

    series = serializers.UUIDField(required=False)


class ModelsView(APIView):
    """The models there are."""

    @extend_schema(
        parameters=[OpenApiParameter("series", OpenApiTypes.UUID, description="Say what can run on this series.")],
        responses=ModelListSerializer,
    )
    def get(self, request: Request) -> Response:
        """List them, classical methods first."""
        wish = ModelFilterSerializer(data=request.query_params)
        wish.is_valid(raise_exception=True)
        asked = wish.validated_data.get("series")
        series = get_series_for(signed_in_user(request), asked) if asked else None
        return Response(ModelListSerializer({"results": [_describe(spec, series) for spec in list_models()]}).data)


def _describe(spec: ModelSpec, series: Series | None) -> dict[str, Any]:
    reason = check_applicable(spec, series.modality, series.geometry_verdict) if series else None
    return {
        "name": spec.name,
        "version": spec.version,
        "title": spec.title,
        "summary": spec.summary,
        "limits": spec.limits,
        "method": spec.method.value,
        "modalities": sorted(spec.modalities),
        "channels": _list_channels(spec),
        "segments": spec.segments,
        "parameters": spec.parameters,
        "licence": spec.licence,
        "card": spec.card,
        "is_applicable": reason is None,
        "reason": reason,
    }


def _list_channels(spec: ModelSpec) -> list[str]:
    channels = spec.network.channels if spec.network else ()
    return [channel.name for channel in channels] if len(channels) > 1 else []


urlpatterns = [path("models", ModelsView.as_view())]
