"""Models handed in by administrators: /api/model-imports."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import IO, Any, cast

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inference.models import ModelImport, ModelImportState
from inference.network_spec import Scheme
from inference.services.model_imports import list_imports, most_bytes, receive_import
from studies.api.streams import OCTETS
from studies.permissions import IsAdministrator, client_address, signed_in_user


class ModelFileParser(BaseParser):
    """Hands the body on unread: it goes to disk piece by piece."""

    media_type = OCTETS

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the stream."""
        return stream


class ModelImportSerializer(serializers.Serializer[ModelImport]):
    """Where a model that was handed in stands."""

    id = serializers.UUIDField()
    file_name = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    state = serializers.ChoiceField(choices=ModelImportState.choices)
    model_name = serializers.CharField(help_text="Empty until it is in the catalogue.")
    model_version = serializers.CharField()
    failure_code = serializers.CharField()
    failure = serializers.CharField(help_text="Why it was refused, in a sentence.")
    requested_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class ModelImportListSerializer(serializers.Serializer[Any]):
    """The newest, and how large a file may be."""

    results = ModelImportSerializer(many=True)
    most_bytes = serializers.IntegerField()


class DescriptionSerializer(serializers.Serializer[Any]):
    """What a TorchScript or ONNX file expects, which such a file does not say itself."""

    segments = serializers.ListField(child=serializers.CharField(max_length=64), min_length=1, max_length=255)
    window = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=1024), min_length=3, max_length=3
    )
    channels = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, min_length=1, max_length=16
    )
    spacing_mm = serializers.ListField(
        child=serializers.FloatField(min_value=0.01, max_value=100),
        required=False,
        allow_null=True,
        min_length=3,
        max_length=3,
    )
    orientation = serializers.CharField(required=False, max_length=32, help_text="'slice row column', or as 'RAS'.")
    scheme = serializers.ChoiceField(choices=[(s.value, s.value) for s in Scheme], required=False)
    low = serializers.FloatField(required=False, allow_null=True)
    high = serializers.FloatField(required=False, allow_null=True)
    mean = serializers.FloatField(required=False, allow_null=True)
    deviation = serializers.FloatField(required=False, allow_null=True)
    intended_use = serializers.CharField(required=False, allow_blank=True, max_length=1000)


class ImportWishSerializer(serializers.Serializer[Any]):
    """What the person says about the file; empty keeps the word of the files."""

    file_name = serializers.CharField(max_length=255)
    name = serializers.CharField(required=False, allow_blank=True, max_length=64)
    version = serializers.CharField(required=False, allow_blank=True, max_length=32)
    title = serializers.CharField(required=False, allow_blank=True, max_length=100)
    licence = serializers.CharField(required=False, allow_blank=True, max_length=100)
    modalities = serializers.ListField(child=serializers.CharField(max_length=16), required=False, max_length=16)
    description = DescriptionSerializer(required=False, allow_null=True)


class ModelImportsView(APIView):
    """Models on their way into the catalogue."""

    permission_classes = (IsAdministrator,)
    parser_classes = (ModelFileParser,)

    @extend_schema(responses=ModelImportListSerializer)
    def get(self, _request: Request) -> Response:
        """List the newest."""
        return Response(ModelImportListSerializer({"results": list_imports(), "most_bytes": most_bytes()}).data)

    @extend_schema(
        request={OCTETS: OpenApiTypes.BINARY},
        parameters=[
            OpenApiParameter(
                "wish",
                OpenApiTypes.STR,
                required=True,
                description="JSON: file_name, and what is said about it: name, version, title, licence, modalities, "
                "and description of a lone TorchScript or ONNX file (segments, window, channels, spacing_mm, "
                "orientation, scheme, low, high, mean, deviation, intended_use).",
            )
        ],
        responses={201: ModelImportSerializer},
    )
    def post(self, request: Request) -> Response:
        """Take a file; a worker reads and checks it, and only then it is in the catalogue."""
        wish = ImportWishSerializer(data=_read_json(request.query_params.get("wish", "")))
        wish.is_valid(raise_exception=True)
        said = json.loads(json.dumps(wish.validated_data))
        found = receive_import(
            cast(IO[bytes], request.data or io.BytesIO()),  # an empty body is no stream
            file_name=said.pop("file_name"),
            wishes=said,
            requested_by=signed_in_user(request),
            address=client_address(request),
        )
        return Response(ModelImportSerializer(found).data, status=status.HTTP_201_CREATED)


def _read_json(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return {}


urlpatterns = [path("model-imports", ModelImportsView.as_view())]
