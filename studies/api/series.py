"""A series' frames, pixels and files: /api/series/{id}/..., /api/instances/{id}/file."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.streams import (
    OCTETS,
    bytes_response,
    file_response,
    is_unchanged,
    pixels_response,
    unchanged_response,
)
from studies.errors import InvalidInputError
from studies.models import Instance, Series
from studies.permissions import MayExport, client_address, signed_in_user
from studies.selectors.series import get_instance_for, get_series_for
from studies.services import audit, crops, pixels, volumes
from studies.services.thumbnails import read_thumbnail
from studies.storage import blob_store

PIXELS_200 = {(200, OCTETS): OpenApiTypes.BINARY, 304: OpenApiResponse(description="Unchanged.")}


class GeometrySerializer(serializers.Serializer[Any]):
    """The regular grid of a volume in patient LPS, axes (slice, row, column)."""

    shape = serializers.ListField(child=serializers.IntegerField(), min_length=3, max_length=3)
    spacing_mm = serializers.ListField(child=serializers.FloatField(), min_length=3, max_length=3)
    origin_mm = serializers.ListField(child=serializers.FloatField(), min_length=3, max_length=3)
    direction = serializers.ListField(
        child=serializers.FloatField(),
        min_length=9,
        max_length=9,
        help_text="3x3 row-major; columns are the unit vectors of increasing slice, row and column index.",
    )


class WindowPresetSerializer(serializers.Serializer[Any]):
    """A window in modality values."""

    name = serializers.CharField()
    center = serializers.FloatField()
    width = serializers.FloatField()


class FrameSerializer(serializers.Serializer[Any]):
    """One frame: where its bytes lie in the series' pixels, and where it lies in the patient."""

    index = serializers.IntegerField()
    instance_id = serializers.UUIDField()
    sop_instance_uid = serializers.CharField()
    frame_number = serializers.IntegerField(help_text="From 1, within its instance.")
    rows = serializers.IntegerField()
    columns = serializers.IntegerField()
    byte_offset = serializers.IntegerField()
    byte_length = serializers.IntegerField()
    image_position_mm = serializers.ListField(
        child=serializers.FloatField(), min_length=3, max_length=3, allow_null=True
    )
    image_orientation = serializers.ListField(
        child=serializers.FloatField(), min_length=6, max_length=6, allow_null=True
    )
    pixel_spacing_mm = serializers.ListField(
        child=serializers.FloatField(), min_length=2, max_length=2, allow_null=True, help_text="[row, column]"
    )
    frame_time_ms = serializers.FloatField(allow_null=True)


class SeriesFramesSerializer(serializers.Serializer[Any]):
    """How the series' pixels are laid out. Values are modality values; colour is interleaved RGB."""

    series_id = serializers.UUIDField()
    contents_digest = serializers.CharField()
    is_volume = serializers.BooleanField(help_text="Frame index is slice index.")
    dtype = serializers.ChoiceField(choices=["int16", "uint16", "uint8", "float32"])
    samples_per_pixel = serializers.IntegerField(help_text="1 or 3.")
    photometric_interpretation = serializers.ChoiceField(choices=["MONOCHROME1", "MONOCHROME2", "RGB"])
    modality = serializers.CharField()
    unit = serializers.CharField()
    total_bytes = serializers.IntegerField()
    minimum = serializers.FloatField()
    maximum = serializers.FloatField()
    geometry = GeometrySerializer(allow_null=True)
    window_presets = WindowPresetSerializer(many=True)
    frames = FrameSerializer(many=True)


def _open_series(request: Request, series_id: UUID) -> Series:
    """Return a visible series and note in the audit trail that its pixels are looked at."""
    user = signed_in_user(request)
    series = get_series_for(user, series_id)
    audit.record_view(actor=user, subject=series, patient=series.study.patient, address=client_address(request))
    return series


class SeriesFramesView(APIView):
    """The layout of a series."""

    @extend_schema(responses=SeriesFramesSerializer)
    def get(self, request: Request, series_id: UUID) -> Response:
        """Return each frame's place in the pixels and in the patient."""
        series = _open_series(request, series_id)
        return Response(SeriesFramesSerializer(volumes.describe_frames(series)).data)


class SeriesPixelsView(APIView):
    """The pixels of a series."""

    @extend_schema(responses=PIXELS_200)
    def get(self, request: Request, series_id: UUID) -> HttpResponseBase:
        """Stream every frame's modality values in order, little-endian, compressed as the browser takes it."""
        series = _open_series(request, series_id)
        version = pixels.pixels_version(series)
        if is_unchanged(request, version):
            return unchanged_response(version)
        return pixels_response(request, pixels.SeriesPixels(series), etag=version)


class FramePixelsView(APIView):
    """The pixels of one frame: the first image, before the rest has arrived."""

    @extend_schema(responses=PIXELS_200)
    def get(self, request: Request, series_id: UUID, index: int) -> HttpResponseBase:
        """Return one frame's modality values, little-endian."""
        series = _open_series(request, series_id)
        etag = f"{pixels.pixels_version(series)}-{index}"
        if is_unchanged(request, etag):
            return unchanged_response(etag)
        return pixels_response(request, pixels.FramePixels(series, index), etag=etag)


class SeriesThumbnailView(APIView):
    """A small picture of a series."""

    @extend_schema(responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, series_id: UUID) -> HttpResponseBase:
        """Return a PNG of at most 256 pixels a side."""
        series = _open_series(request, series_id)
        etag = f"{pixels.pixels_version(series)}-thumbnail"
        if is_unchanged(request, etag):
            return unchanged_response(etag)
        return bytes_response(read_thumbnail(series), content_type="image/png", etag=etag)


class SeriesCropView(APIView):
    """One place of a series."""

    @extend_schema(
        parameters=[
            OpenApiParameter("at", str, required=True, description="x,y,z in patient LPS, mm: the middle."),
            OpenApiParameter("size_mm", float, description="Length of a side; 60 when not given."),
            OpenApiParameter("normal", str, description="x,y,z of the plane's normal; axial when not given."),
        ],
        responses={(200, "image/png"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, series_id: UUID) -> HttpResponseBase:
        """Return a square PNG around a place, in the series' first window."""
        series = _open_series(request, series_id)
        wish = crops.CropWish(
            at_mm=_read_vector(request, "at", ""),
            size_mm=_read_number(request.query_params.get("size_mm", "60"), "size_mm"),
            normal=_read_vector(request, "normal", "0,0,1"),
        )
        digest = hashlib.sha256(repr(wish).encode()).hexdigest()[:16]
        etag = f"{pixels.pixels_version(series)}-crop-{digest}"
        if is_unchanged(request, etag):
            return unchanged_response(etag)
        return bytes_response(crops.read_crop(series, wish), content_type="image/png", etag=etag)


def _read_vector(request: Request, name: str, default: str) -> tuple[float, float, float]:
    parts = request.query_params.get(name, default).split(",")
    if len(parts) != 3:
        raise InvalidInputError(f"State {name} as three numbers: x,y,z in mm.")
    x, y, z = (_read_number(part, name) for part in parts)
    return x, y, z


def _read_number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidInputError(f"{text!r} is no number for {name}.") from error


class InstanceFileView(APIView):
    """An instance as it arrived."""

    permission_classes = [MayExport]

    @extend_schema(responses={(200, "application/dicom"): OpenApiTypes.BINARY})
    def get(self, request: Request, instance_id: UUID) -> HttpResponseBase:
        """Return the DICOM file; the export is recorded."""
        user = signed_in_user(request)
        instance: Instance = get_instance_for(user, instance_id)
        patient = instance.series.study.patient
        audit.record(
            act="instance.exported", actor=user, subject=instance, patient=patient, address=client_address(request)
        )
        name = f"{instance.sop_instance_uid}.dcm"
        stored = blob_store().path(instance.blob_id)
        return file_response(request, stored, content_type="application/dicom", file_name=name)


urlpatterns = [
    path("series/<uuid:series_id>/frames", SeriesFramesView.as_view()),
    path("series/<uuid:series_id>/pixels", SeriesPixelsView.as_view()),
    path("series/<uuid:series_id>/frames/<int:index>/pixels", FramePixelsView.as_view()),
    path("series/<uuid:series_id>/thumbnail", SeriesThumbnailView.as_view()),
    path("series/<uuid:series_id>/crop", SeriesCropView.as_view()),
    path("instances/<uuid:instance_id>/file", InstanceFileView.as_view()),
]
