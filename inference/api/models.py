"""The catalogue of models: /api/models."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inference.api.model_serializers import ModelCardSerializer, ModelSerializer, describe_card, describe_model
from inference.registry import get_model, list_models
from inference.services.model_figures import disabled_models
from inference.services.model_settings import remove_version, set_model_enabled
from studies.models import Role
from studies.permissions import client_address, require_role, signed_in_user
from studies.selectors.series import get_series_for


class ModelListSerializer(serializers.Serializer[Any]):
    """The catalogue."""

    results = ModelSerializer(many=True)


class ModelFilterSerializer(serializers.Serializer[Any]):
    """Which series the catalogue is asked for."""

    series = serializers.UUIDField(required=False)
    figures = serializers.BooleanField(default=False)


class ModelWordSerializer(serializers.Serializer[Any]):
    """An administrator's word on a model."""

    is_enabled = serializers.BooleanField()


class ModelsView(APIView):
    """The models there are."""

    @extend_schema(
        parameters=[
            OpenApiParameter("series", OpenApiTypes.UUID, description="Say what can run on this series."),
            OpenApiParameter("figures", OpenApiTypes.BOOL, description="Say what finished runs have needed here."),
        ],
        responses=ModelListSerializer,
    )
    def get(self, request: Request) -> Response:
        """List them, classical methods first."""
        wish = ModelFilterSerializer(data=request.query_params)
        wish.is_valid(raise_exception=True)
        asked, has_figures = wish.validated_data.get("series"), wish.validated_data["figures"]
        series = get_series_for(signed_in_user(request), asked) if asked else None
        disabled = disabled_models()
        lines = [describe_model(spec, series, disabled=disabled, has_figures=has_figures) for spec in list_models()]
        return Response(ModelListSerializer({"results": lines}).data)


class ModelView(APIView):
    """One model."""

    @extend_schema(responses=ModelCardSerializer)
    def get(self, _request: Request, name: str) -> Response:
        """Return its card."""
        return Response(ModelCardSerializer(describe_card(get_model(name), disabled=disabled_models())).data)


class ModelSettingView(APIView):
    """Whether a model may be used."""

    @extend_schema(request=ModelWordSerializer, responses=ModelWordSerializer)
    def put(self, request: Request, name: str) -> Response:
        """Switch it off or on."""
        user = signed_in_user(request)
        require_role(user, Role.ADMINISTRATOR)
        wish = ModelWordSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        setting = set_model_enabled(
            name, is_enabled=wish.validated_data["is_enabled"], changed_by=user, address=client_address(request)
        )
        return Response(ModelWordSerializer(setting).data)


class ModelVersionView(APIView):
    """One version of an imported model."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str, version: str) -> Response:
        """Take it away; label maps it made stay."""
        remove_version(name, version, removed_by=signed_in_user(request), address=client_address(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


urlpatterns = [
    path("models", ModelsView.as_view()),
    path("models/<str:name>", ModelView.as_view()),
    path("models/<str:name>/setting", ModelSettingView.as_view()),
    path("models/<str:name>/versions/<str:version>", ModelVersionView.as_view()),
]
