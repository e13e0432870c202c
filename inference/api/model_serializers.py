"""Models as the API shows them: one line of the catalogue, and the whole card."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from inference.api.gate_evidence import GateTrialsSerializer, describe_gate_trials
from inference.api.model_evidence import EvidenceSerializer, describe_evidence
from inference.evidence import read_evidence, read_gate_trials, tell_evidence
from inference.model_origin import Evaluation, describe_evaluation, list_origin
from inference.model_spec import Method, ModelSpec, ParameterKind
from inference.network_spec import InputChannel, NetworkSpec
from inference.pipeline.backends.records import BackendCheck, MachineRecord, list_records
from inference.pipeline.manifest import WEIGHTS_FOLDER, read_origin
from inference.registry import check_applicable, list_versions
from inference.services.model_figures import ModelFigures, measure_usage
from inference.services.model_settings import SWITCHED_OFF
from studies.label_maps.label_map import CodedConcept
from studies.models import Series

METHODS = [(method.value, method.value) for method in Method]


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


class ModelFiguresSerializer(serializers.Serializer[ModelFigures]):
    """What finished runs of one version needed on this installation, over all its patients."""

    run_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    measured_count = serializers.IntegerField(help_text="Newest runs that the figures are taken from, 50 at most.")
    median_s = serializers.FloatField(allow_null=True)
    shortest_s = serializers.FloatField(allow_null=True)
    longest_s = serializers.FloatField(allow_null=True)
    peak_memory_bytes = serializers.IntegerField(allow_null=True)
    last_finished_at = serializers.DateTimeField(allow_null=True)


class ModelSerializer(serializers.Serializer[Any]):
    """A model, and whether it can run on the series asked about."""

    name = serializers.CharField()
    version = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    limits = serializers.CharField(help_text="What it cannot do.")
    method = serializers.ChoiceField(choices=METHODS)
    modalities = serializers.ListField(child=serializers.CharField(), help_text="Empty takes any.")
    channels = serializers.ListField(
        child=serializers.CharField(), help_text="Images of one examination that it reads together, where several."
    )
    segments = ModelSegmentSerializer(many=True)
    parameters = ModelParameterSerializer(many=True)
    licence = serializers.CharField()
    card = serializers.CharField(help_text="Markdown.")
    model_format = serializers.CharField(help_text="What it was imported from, or built in.")
    is_imported = serializers.BooleanField()
    is_enabled = serializers.BooleanField(help_text="False: an administrator has switched it off.")
    is_applicable = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True, help_text="Why it is not applicable.")
    backend = serializers.CharField(allow_null=True, help_text="What runs it, by the newest check; null unchecked.")
    figures = ModelFiguresSerializer(allow_null=True, help_text="Null unless asked for.")


class CodeSerializer(serializers.Serializer[Any]):
    """A coded concept of DICOM."""

    scheme = serializers.CharField()
    value = serializers.CharField()
    meaning = serializers.CharField()


class CardSegmentSerializer(ModelSegmentSerializer):
    """A structure with its codes."""

    category = CodeSerializer()
    type = CodeSerializer()


class CardChannelSerializer(serializers.Serializer[Any]):
    """An image that the network needs."""

    name = serializers.CharField()
    normalisation = serializers.CharField(help_text="What becomes of its grey values.")


class CardWeightsSerializer(serializers.Serializer[Any]):
    """A file of weights."""

    path = serializers.CharField()
    sha256 = serializers.CharField()
    size_bytes = serializers.IntegerField(allow_null=True)


class CardNetworkSerializer(serializers.Serializer[Any]):
    """What a network takes."""

    architecture = serializers.CharField()
    channels = CardChannelSerializer(many=True)
    orientation = serializers.CharField()
    window = serializers.ListField(child=serializers.IntegerField(), help_text="Voxels along the network's axes.")
    spacing_mm = serializers.ListField(child=serializers.FloatField(), allow_null=True, help_text="Null: the image's.")
    overlap = serializers.FloatField()
    weights = CardWeightsSerializer(many=True)


class FactSerializer(serializers.Serializer[Any]):
    """One line of where a model came from; null where nobody states it."""

    name = serializers.CharField()
    value = serializers.CharField(allow_null=True)


class EvaluationSerializer(serializers.Serializer[Any]):
    """How good it was found to be: by segweb, by its makers, or (empty) by nobody that SegWeb knows of."""

    by = serializers.CharField()
    text = serializers.CharField()


class BackendCheckSerializer(serializers.Serializer[Any]):
    """What became of one backend and precision when it was tried."""

    backend = serializers.CharField()
    precision = serializers.CharField()
    seconds = serializers.FloatField(allow_null=True, help_text="Of one window; null where it did not run.")
    lowest_dice = serializers.FloatField(allow_null=True, help_text="Against the reference, of the worst class.")
    largest_error = serializers.FloatField(allow_null=True)
    has_passed = serializers.BooleanField()
    is_picked = serializers.BooleanField(help_text="It runs the model.")
    problem = serializers.CharField()


class MachineSerializer(serializers.Serializer[Any]):
    """A check on one machine; the first file of weights stands for all that share its network."""

    machine = serializers.CharField()
    weights = serializers.CharField()
    checked_at = serializers.DateTimeField()
    checks = BackendCheckSerializer(many=True)


class ModelCardSerializer(ModelSerializer):
    """Everything that is known of a model; what is not known is null or empty."""

    segments = CardSegmentSerializer(many=True)
    intended_use = serializers.CharField(help_text="As its makers state it; empty where they do not.")
    needs_volume = serializers.BooleanField()
    network = CardNetworkSerializer(allow_null=True)
    origin = FactSerializer(many=True)
    notes = serializers.CharField(help_text="Its makers' own words, Markdown; may be empty.")
    evaluation = EvaluationSerializer()
    evidence = EvidenceSerializer(allow_null=True, help_text="Measured on outlined cases; null where it was not.")
    gate = GateTrialsSerializer(allow_null=True, help_text="What its quality gate does; null where none was fitted.")
    machines = MachineSerializer(many=True)
    versions = serializers.ListField(child=serializers.CharField(), help_text="Imported versions, newest first.")


def describe_model(
    spec: ModelSpec, series: Series | None, *, disabled: frozenset[str], has_figures: bool = False
) -> dict[str, Any]:
    """Return a line of the catalogue."""
    is_enabled = spec.name not in disabled
    reason = check_applicable(spec, series.modality, series.geometry_verdict) if series else None
    if not is_enabled:
        reason = SWITCHED_OFF
    network = spec.network
    records = list_records(network.weights[0].sha256) if network else ()
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
        "model_format": spec.format,
        "is_imported": spec.folder is not None,
        "is_enabled": is_enabled,
        "is_applicable": reason is None,
        "reason": reason,
        "backend": str(records[0].picked) if records else None,
        "figures": measure_usage(spec.name, spec.version) if has_figures else None,
    }


def describe_card(spec: ModelSpec, *, disabled: frozenset[str]) -> dict[str, Any]:
    """Return everything that is known of a model."""
    origin, evidence, trials = read_origin(spec), read_evidence(spec), read_gate_trials(spec)
    training = evidence.content.get("training", {}) if evidence else {}
    measured = Evaluation("segweb", tell_evidence(evidence)) if evidence else None
    return describe_model(spec, None, disabled=disabled, has_figures=True) | {
        "segments": [
            {
                "segment_number": segment.segment_number,
                "segment_label": segment.segment_label,
                "colour": segment.colour,
                "category": _describe_code(segment.category),
                "type": _describe_code(segment.type),
            }
            for segment in spec.segments
        ],
        "intended_use": spec.intended_use,
        "needs_volume": spec.needs_volume,
        "network": _describe_network(spec, spec.network) if spec.network else None,
        "origin": list_origin(spec, {**origin.provenance, **training}),
        "notes": origin.notes,
        "evaluation": measured or describe_evaluation(origin.provenance),
        "evidence": describe_evidence(evidence) if evidence else None,
        "gate": describe_gate_trials(trials) if trials else None,
        "machines": _list_machines(spec.network) if spec.network else [],
        "versions": list_versions(spec.name),
    }


def _list_channels(spec: ModelSpec) -> list[str]:
    channels = spec.network.channels if spec.network else ()
    return [channel.name for channel in channels] if len(channels) > 1 else []


def _describe_code(concept: CodedConcept) -> dict[str, str]:
    value, scheme, meaning = concept
    return {"scheme": scheme, "value": value, "meaning": meaning}


def _describe_network(spec: ModelSpec, network: NetworkSpec) -> dict[str, Any]:
    folder = spec.folder or WEIGHTS_FOLDER
    sizes = {file.path: (folder / file.path) for file in network.weights}
    return {
        "architecture": network.architecture,
        "channels": [_describe_channel(channel) for channel in network.channels],
        "orientation": network.orientation,
        "window": network.window,
        "spacing_mm": network.spacing_mm,
        "overlap": network.overlap,
        "weights": [
            asdict(file) | {"size_bytes": sizes[file.path].stat().st_size if sizes[file.path].is_file() else None}
            for file in network.weights
        ],
    }


def _describe_channel(channel: InputChannel) -> dict[str, str]:
    return {"name": channel.name, "normalisation": channel.normalisation.scheme.value.replace("_", " ")}


def _list_machines(network: NetworkSpec) -> list[dict[str, Any]]:
    """Return each check once: folds of one network share theirs."""
    seen: set[tuple[str, tuple[BackendCheck, ...]]] = set()
    found = []
    for file in network.weights:
        for record in list_records(file.sha256):
            if (record.machine, record.checks) not in seen:
                seen.add((record.machine, record.checks))
                found.append(_describe_machine(record, file.path))
    return found


def _describe_machine(record: MachineRecord, weights: str) -> dict[str, Any]:
    return {
        "machine": record.machine,
        "weights": weights,
        "checked_at": datetime.fromtimestamp(record.checked_at, UTC),
        "checks": [
            {
                "backend": check.candidate.backend.value,
                "precision": check.candidate.precision,
                "seconds": check.seconds,
                "lowest_dice": check.lowest_dice,
                "largest_error": check.largest_error,
                "has_passed": check.has_passed,
                "is_picked": check.candidate == record.picked,
                "problem": check.problem,
            }
            for check in record.checks
        ],
    }
