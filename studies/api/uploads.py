"""Files on their way in: /api/uploads (tus for the bytes, JSON for what became of them)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.tus import (
    PIECE_TYPE,
    TUS_EXTENSIONS,
    PieceParser,
    TusView,
    location_of,
    piece_of,
    progress_headers,
    read_creation,
    read_offset,
)
from studies.dicom.wrap import StatedDetails
from studies.events import UploadStatus
from studies.models import ReceptionOutcome, UploadState
from studies.permissions import client_address, signed_in_user
from studies.selectors.uploads import describe_upload, describe_uploads, get_upload_for, list_uploads_for
from studies.services.uploads import (
    append_bytes,
    choose_team,
    discard_upload,
    register_upload,
    retry_upload,
    state_details,
)


class UploadCountsSerializer(serializers.Serializer[Any]):
    """Objects found in an upload, by outcome."""

    stored = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    refused = serializers.IntegerField()
    skipped = serializers.IntegerField()


class UploadProblemSerializer(serializers.Serializer[Any]):
    """One object that was not stored, and why."""

    path = serializers.CharField()
    outcome = serializers.ChoiceField(choices=ReceptionOutcome.choices)
    reason_code = serializers.CharField()
    reason = serializers.CharField()


class UploadSerializer(serializers.Serializer[UploadStatus]):
    """A file on its way in."""

    id = serializers.UUIDField()
    file_name = serializers.CharField()
    size_bytes = serializers.IntegerField()
    received_bytes = serializers.IntegerField()
    state = serializers.ChoiceField(choices=UploadState.choices)
    reason_code = serializers.CharField()
    reason = serializers.CharField()
    batch = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    counts = UploadCountsSerializer()
    problems = UploadProblemSerializer(many=True)
    study_ids = serializers.ListField(child=serializers.UUIDField())
    needed_details = serializers.ListField(child=serializers.CharField())


class UploadListSerializer(serializers.Serializer[Any]):
    """Uploads, newest first."""

    results = UploadSerializer(many=True)


class UploadQuerySerializer(serializers.Serializer[Any]):
    """The query string."""

    batch = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=UploadState.choices, required=False)


class UploadDetailsSerializer(serializers.Serializer[Any]):
    """What a file that is not DICOM does not say itself."""

    patient_id = serializers.CharField(max_length=64)
    patient_name = serializers.CharField(max_length=324)
    patient_birth_date = serializers.DateField(allow_null=True, required=False, default=None)
    patient_sex = serializers.ChoiceField(choices=["M", "F", "O", ""], required=False, default="")
    modality = serializers.CharField(max_length=16)
    study_date = serializers.DateField()
    study_description = serializers.CharField(max_length=64, allow_blank=True, required=False, default="")
    pixel_spacing_mm = serializers.ListField(
        child=serializers.FloatField(min_value=1e-4, max_value=1000.0),
        min_length=2,
        max_length=2,
        allow_null=True,
        required=False,
        default=None,
        help_text="[between rows, between columns]; null where it is not known.",
    )


class UploadsView(TusView):
    """Announce a file; list one's own."""

    parser_classes = [PieceParser, JSONParser]

    def speaks_tus(self, request: Request) -> bool:
        """Listing is not part of the protocol."""
        return request.method == "POST"

    @extend_schema(parameters=[UploadQuerySerializer], responses=UploadListSerializer)
    def get(self, request: Request) -> Response:
        """Return the person's newest uploads."""
        query = UploadQuerySerializer(data={k: v for k, v in request.query_params.items() if v != ""})
        query.is_valid(raise_exception=True)
        uploads = list_uploads_for(signed_in_user(request), **query.validated_data)
        return Response(UploadListSerializer({"results": describe_uploads(uploads)}).data)

    @extend_schema(request={PIECE_TYPE: OpenApiTypes.BINARY}, responses={201: None})
    def post(self, request: Request) -> Response:
        """Make room for a file (tus creation); a body is its first piece."""
        user, creation = signed_in_user(request), read_creation(request)
        team = choose_team(user, creation.pop("team"))
        upload = register_upload(team, created_by=user, **creation)
        if request.content_type == PIECE_TYPE and upload.state == UploadState.RECEIVING:
            upload = append_bytes(upload, offset=0, stream=piece_of(request))
        return Response(status=201, headers={"Location": location_of(upload.pk), **progress_headers(upload)})

    @extend_schema(exclude=True)
    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """Say what the server offers."""
        headers = {"Tus-Extension": TUS_EXTENSIONS, "Tus-Max-Size": str(settings.SEGWEB_MAX_UPLOAD_BYTES)}
        return Response(status=204, headers=headers)


class UploadContentView(TusView):
    """The bytes of one file."""

    parser_classes = [PieceParser]

    @extend_schema(exclude=True)
    def head(self, request: Request, upload_id: UUID) -> Response:
        """Say how much has arrived and is safe on disk."""
        upload = get_upload_for(signed_in_user(request), upload_id)
        return Response(status=200, headers={"Upload-Length": str(upload.size_bytes), **progress_headers(upload)})

    @extend_schema(request={PIECE_TYPE: OpenApiTypes.BINARY}, responses={204: None})
    def patch(self, request: Request, upload_id: UUID) -> Response:
        """Take the next piece; answered once it is safe on disk and recorded."""
        upload = get_upload_for(signed_in_user(request), upload_id)
        upload = append_bytes(upload, offset=read_offset(request), stream=piece_of(request))
        return Response(status=204, headers=progress_headers(upload))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, upload_id: UUID) -> Response:
        """Throw the file away (tus termination)."""
        user = signed_in_user(request)
        discard_upload(get_upload_for(user, upload_id), actor=user, address=client_address(request))
        return Response(status=204)

    @extend_schema(exclude=True)
    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """Say what the server offers."""
        return Response(status=204, headers={"Tus-Extension": TUS_EXTENSIONS})


class UploadView(APIView):
    """One file and what became of it."""

    @extend_schema(responses=UploadSerializer)
    def get(self, request: Request, upload_id: UUID) -> Response:
        """Return the upload."""
        upload = get_upload_for(signed_in_user(request), upload_id)
        return Response(UploadSerializer(describe_upload(upload)).data)


class UploadDetailsView(APIView):
    """The patient and examination of a file that does not name them."""

    @extend_schema(request=UploadDetailsSerializer, responses=UploadSerializer)
    def post(self, request: Request, upload_id: UUID) -> Response:
        """State them; the file is then read."""
        user = signed_in_user(request)
        upload = get_upload_for(user, upload_id)
        details = UploadDetailsSerializer(data=request.data)
        details.is_valid(raise_exception=True)
        stated = StatedDetails(**details.validated_data)
        upload = state_details(upload, actor=user, details=stated, address=client_address(request))
        return Response(UploadSerializer(describe_upload(upload)).data)


class UploadRetryView(APIView):
    """Another try at reading a file."""

    @extend_schema(request=None, responses=UploadSerializer)
    def post(self, request: Request, upload_id: UUID) -> Response:
        """Read the file again."""
        user = signed_in_user(request)
        upload = retry_upload(get_upload_for(user, upload_id), actor=user, address=client_address(request))
        return Response(UploadSerializer(describe_upload(upload)).data)


urlpatterns = [
    path("uploads", UploadsView.as_view()),
    path("uploads/<uuid:upload_id>", UploadView.as_view()),
    path("uploads/<uuid:upload_id>/content", UploadContentView.as_view()),
    path("uploads/<uuid:upload_id>/details", UploadDetailsView.as_view()),
    path("uploads/<uuid:upload_id>/retry", UploadRetryView.as_view()),
]
