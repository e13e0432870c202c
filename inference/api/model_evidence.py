"""What was measured of a model that ships: figures on its card, every case, pictures of the worst."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from inference.calibration import LEVEL
from inference.evidence import CASES_FILE, Evidence, read_evidence
from inference.registry import get_model
from studies.api.streams import bytes_response, file_response, is_unchanged, unchanged_response
from studies.errors import ConflictError


class NotMeasuredError(ConflictError):
    """The model is there, and nobody has measured it on outlined cases."""

    code = "model.not_measured"


class MeasuredIntervalSerializer(serializers.Serializer[Any]):
    """A mean over cases with its 95 % bootstrap interval."""

    mean = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    median = serializers.FloatField()
    count = serializers.IntegerField(help_text="Cases in which the measure has a meaning.")


class MeasuredSegmentSerializer(serializers.Serializer[Any]):
    """One structure over all cases; null where a measure has no meaning."""

    segment_label = serializers.CharField()
    cases = serializers.IntegerField()
    dice = MeasuredIntervalSerializer(allow_null=True)
    surface_dice = MeasuredIntervalSerializer(allow_null=True)
    hd95 = MeasuredIntervalSerializer(allow_null=True, help_text="mm; pixels where images have no millimetres.")
    baseline_dice = MeasuredIntervalSerializer(allow_null=True)
    below_half = serializers.IntegerField(help_text="Cases with a Dice below 0.5.")
    marked_where_nothing_is = serializers.IntegerField()
    lesions = serializers.IntegerField(allow_null=True, help_text="Outlined parts, in all cases; null: not counted.")
    lesions_found = serializers.IntegerField(allow_null=True)
    lesions_false = serializers.IntegerField(allow_null=True, help_text="Marked parts that are none, in all cases.")


class WorstCaseSerializer(serializers.Serializer[Any]):
    """A case with a low Dice; its picture is number `index` of the worst cases."""

    index = serializers.IntegerField()
    case = serializers.CharField()
    dice = serializers.DictField(child=serializers.FloatField(allow_null=True), help_text="By segment.")


class TrainingSerializer(serializers.Serializer[Any]):
    """How weights and figures came about, and what one run needed there; null where it was not written down."""

    set = serializers.CharField(allow_null=True)
    licence = serializers.CharField(allow_null=True, help_text="Of the set.")
    citation = serializers.CharField(allow_null=True)
    train_cases = serializers.IntegerField(allow_null=True)
    machine = serializers.CharField(allow_null=True)
    cpu_s = serializers.FloatField(allow_null=True)
    seed = serializers.IntegerField(allow_null=True)
    steps = serializers.IntegerField(allow_null=True)
    run_shape = serializers.ListField(child=serializers.IntegerField(), allow_null=True)
    run_seconds = serializers.FloatField(allow_null=True, help_text="Of one run over `run_shape` voxels.")
    run_peak_bytes = serializers.IntegerField(allow_null=True)
    command = serializers.CharField(allow_null=True, help_text="Measures again.")


class ReliabilitySerializer(serializers.Serializer[Any]):
    """How often a network is right when it states a probability, in equal bins from 0 to 1."""

    error = serializers.FloatField(help_text="Expected calibration error.")
    shares = serializers.ListField(child=serializers.FloatField(), help_text="Of all voxels judged.")
    stated = serializers.ListField(child=serializers.FloatField(allow_null=True), help_text="Null in an empty bin.")
    observed = serializers.ListField(child=serializers.FloatField(allow_null=True))


class JudgedIntervalsSerializer(serializers.Serializer[Any]):
    """How many outlined volumes of a structure lay within the interval that was stated."""

    segment_label = serializers.CharField()
    fitted_on = serializers.IntegerField(help_text="Cases; 0 where there were too few for an interval.")
    judged_on = serializers.IntegerField()
    within = serializers.IntegerField()
    median_width = serializers.FloatField(allow_null=True, help_text="As a share of the expected volume.")


class CalibrationSerializer(serializers.Serializer[Any]):
    """How far a network's probabilities can be believed: fitted on some cases, judged on others."""

    temperature = serializers.FloatField()
    fitted_on = serializers.IntegerField()
    judged_on = serializers.IntegerField()
    level = serializers.FloatField(help_text="Share of volumes that should lie within their interval.")
    before = ReliabilitySerializer()
    after = ReliabilitySerializer()
    intervals = JudgedIntervalsSerializer(many=True)


class EvidenceSerializer(serializers.Serializer[Any]):
    """Figures over cases that decided nothing in training."""

    baseline = serializers.CharField(help_text="Name of the simple method beside it; may be empty.")
    segments = MeasuredSegmentSerializer(many=True)
    worst = WorstCaseSerializer(many=True)
    training = TrainingSerializer()
    calibration = CalibrationSerializer(allow_null=True, help_text="Null where nobody calibrated it.")


_TRAINING = ("set", "licence", "citation", "machine", "cpu_s", "seed", "steps", "run_shape", "run_seconds", "command")


def describe_evidence(evidence: Evidence) -> dict[str, Any]:
    """Return what was measured of a model as its card shows it."""
    content = evidence.content
    return {
        "baseline": content.get("baseline", ""),
        "segments": [_describe_segment(summary) for summary in content.get("summaries", [])],
        "worst": [
            {"index": index, "case": worst["case"], "dice": worst["dice"]}
            for index, worst in enumerate(content.get("worst", []))
            if evidence.find_picture(index + 1)
        ],
        "training": _describe_training(content.get("training", {})),
        "calibration": _describe_calibration(content.get("calibration")),
    }


def _describe_segment(summary: Mapping[str, Any]) -> dict[str, Any]:
    model, simple = summary["model"], summary["baseline"] or {}
    kept = ("segment_label", "cases", "below_half", "marked_where_nothing_is")
    counts = ("lesions", "lesions_found", "lesions_false")
    return (
        {name: summary[name] for name in kept}
        | {name: summary.get(name) for name in counts}
        | {
            "dice": model.get("dice"),
            "surface_dice": model.get("surface_dice"),
            "hd95": model.get("hd95"),
            "baseline_dice": simple.get("dice"),
        }
    )


def _describe_training(training: Mapping[str, Any]) -> dict[str, Any]:
    return {name: training.get(name) for name in (*_TRAINING, "run_peak_bytes")} | {
        "train_cases": training.get("cases", {}).get("train"),
    }


def _describe_calibration(judged: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if judged is None else {**judged, "level": LEVEL}


def _open_evidence(name: str) -> Evidence:
    spec = get_model(name)
    evidence = read_evidence(spec)
    if evidence is None:
        raise NotMeasuredError(f"{spec.title} has not been measured on outlined cases. Run manage.py evaluate.")
    return evidence


class ModelCasesView(APIView):
    """Every case a model was measured on."""

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, name: str) -> HttpResponseBase:
        """Return a line for each segment of each case."""
        table = _open_evidence(name).folder / CASES_FILE
        return file_response(request, table, content_type="text/csv; charset=utf-8", file_name=f"{name}-{CASES_FILE}")


class ModelWorstCaseView(APIView):
    """One of the cases that a model did worst on."""

    @extend_schema(responses={(200, "image/webp"): OpenApiTypes.BINARY})
    def get(self, request: Request, name: str, index: int) -> HttpResponseBase:
        """Return its picture: the outline green, what was marked orange."""
        picture = _open_evidence(name).find_picture(index + 1)
        if picture is None:
            raise NotMeasuredError("There is no picture of that number. Reload the card.")
        kept = picture.stat()
        etag = f"{name}-{index}-{kept.st_mtime_ns}-{kept.st_size}"
        if is_unchanged(request, etag):
            return unchanged_response(etag)
        return bytes_response(picture.read_bytes(), content_type="image/webp", etag=etag)


urlpatterns = [
    path("models/<str:name>/cases", ModelCasesView.as_view()),
    path("models/<str:name>/worst-cases/<int:index>", ModelWorstCaseView.as_view()),
]
