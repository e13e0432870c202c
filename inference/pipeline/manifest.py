"""One file describes a network completely: what it takes, what it gives, how it was made and how good it is.

`manage.py train` and `manage.py import_model` write it beside the weights; the registry reads it. Knows no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from inference.calibration import Calibration, VolumeMargin
from inference.gate_reference import read_gate, write_gate
from inference.model_spec import Method, ModelSpec
from inference.network_spec import (
    Argument,
    Decision,
    DecisionRule,
    GridPlacement,
    InputChannel,
    Interpolated,
    NetworkSpec,
    Normalisation,
    Scheme,
    VolumeReading,
    WeightsFile,
)
from studies.label_maps.label_map import SegmentDescription

WEIGHTS_FOLDER = Path(__file__).resolve().parent.parent / "weights"
_MOST_BYTES = 4 * 1024**2


class ManifestError(ValueError):
    """A manifest does not describe a network."""


def read_manifests(folder: Path) -> tuple[ModelSpec, ...]:
    """Return the networks of a folder, by file name; each card is the Markdown file of the same name."""
    return tuple(read_manifest(path) for path in sorted(folder.glob("*.json")))


def read_manifest(path: Path) -> ModelSpec:
    """Return the network that a manifest describes.

    Raises
    ------
    ManifestError
        Names the file and what is wrong with it.
    """
    card = path.with_suffix(".md")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError("it is far larger than any manifest")
        content = json.loads(path.read_text(encoding="utf-8"))
        return _build_spec(content, card.read_text(encoding="utf-8") if card.is_file() else "")
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise ManifestError(f"{path.name} does not describe a network: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Origin:
    """What lies beside a model and is no part of how it runs: how it was made, and its makers' own words."""

    provenance: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""
    """Markdown."""


def read_origin(spec: ModelSpec) -> Origin:
    """Return where a model came from; of methods that are not trained only the notes; nothing from damaged files."""
    path = WEIGHTS_FOLDER / f"{spec.name}.json" if spec.folder is None else spec.folder / "manifest.json"
    return Origin(read_provenance(path), _read_notes(path))


def read_provenance(path: Path) -> Mapping[str, Any]:
    """Return what a manifest says of how the weights came about; nothing where it cannot be read."""
    try:
        provenance = json.loads(path.read_text(encoding="utf-8"))["provenance"]
    except (KeyError, TypeError, ValueError, OSError):
        return {}
    return provenance if isinstance(provenance, dict) else {}


def _read_notes(path: Path) -> str:
    try:
        return path.with_suffix(".md").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def write_manifest(path: Path, spec: ModelSpec, *, provenance: Mapping[str, object]) -> None:
    """Write a network's manifest; `provenance` says how the weights came about and what was measured."""
    if spec.network is None:
        raise ManifestError(f"{spec.name} is not a network.")
    content = {
        "name": spec.name,
        "version": spec.version,
        "title": spec.title,
        "summary": spec.summary,
        "limits": spec.limits,
        "intended_use": spec.intended_use,
        "modalities": sorted(spec.modalities),
        "licence": spec.licence,
        "format": spec.format,
        "needs_volume": spec.needs_volume,
        "segments": [asdict(segment) for segment in spec.segments],
        "network": asdict(spec.network),
        "calibration": None if spec.calibration is None else asdict(spec.calibration),
        "gate": None if spec.gate is None else write_gate(spec.gate),
        "provenance": dict(provenance),
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _build_spec(content: dict[str, Any], card: str) -> ModelSpec:
    return ModelSpec(
        name=content["name"],
        version=content["version"],
        title=content["title"],
        summary=content["summary"],
        limits=content["limits"],
        intended_use=str(content.get("intended_use", "")),  # manifests of before 2026-11-23 do not say it
        method=Method.NETWORK,
        modalities=frozenset(content["modalities"]),
        segments=tuple(
            SegmentDescription(
                s["segment_number"], s["segment_label"], _triple(s["category"]), _triple(s["type"]), s["colour"]
            )
            for s in content["segments"]
        ),
        network=read_network(content["network"]),
        licence=content["licence"],
        card=card,
        format=content["format"],
        needs_volume=bool(content.get("needs_volume", True)),  # manifests of before 2026-11-23 do not say it
        calibration=_read_calibration(content.get("calibration")),
        gate=read_gate(content["gate"]) if content.get("gate") else None,
    )


def _read_calibration(content: dict[str, Any] | None) -> Calibration | None:
    if content is None:
        return None
    margins = {int(number): VolumeMargin(**margin) for number, margin in content["margins"].items()}
    return Calibration(**content | {"margins": margins})


def read_network(content: dict[str, Any]) -> NetworkSpec:
    """Return a network from its part of a manifest."""
    decision = content["decision"]
    spacing = content["spacing_mm"]
    return NetworkSpec(
        **content
        | {
            "arguments": {name: freeze(value) for name, value in content["arguments"].items()},
            "weights": tuple(_read_weights(file) for file in content["weights"]),
            "window": _triple(content["window"]),
            "channels": tuple(_read_channel(channel) for channel in content["channels"]),
            "spacing_mm": None if spacing is None else _triple(spacing),
            "placement": GridPlacement(content["placement"]),
            "mirror_axes": tuple(content["mirror_axes"]),
            "volumes": VolumeReading(**content["volumes"]) if content.get("volumes") else None,
            "keep_largest": tuple(tuple(group) for group in content.get("keep_largest", ())),
            "decision": Decision(
                **decision
                | {
                    "rule": DecisionRule(decision["rule"]),
                    "interpolated": Interpolated(decision.get("interpolated", Interpolated.SCORES)),
                    "labels": tuple(decision["labels"]),
                    "order": tuple(decision["order"]),
                }
            ),
        }
    )


def freeze(value: Any) -> Argument:
    """Return a JSON value with tuples for its lists, so that it equals what was written."""
    if isinstance(value, list):
        return tuple(freeze(item) for item in value)
    if isinstance(value, dict):
        return {name: freeze(item) for name, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _read_weights(file: dict[str, Any]) -> WeightsFile:
    if Path(file["path"]).name != file["path"]:
        raise ValueError("weights lie beside the manifest")
    return WeightsFile(**file)


def _read_channel(channel: dict[str, Any]) -> InputChannel:
    values = channel["normalisation"]
    return InputChannel(channel["name"], Normalisation(**values | {"scheme": Scheme(values["scheme"])}))


def _triple(values: Any) -> tuple[Any, Any, Any]:
    first, second, third = values
    return first, second, third
