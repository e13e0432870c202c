"""One file describes a network completely: what it takes, what it gives, how it was made and how good it is.

`manage.py train` writes it beside the weights; the registry reads it. Knows no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference.model_spec import Method, ModelSpec, NetworkSpec
from studies.label_maps.label_map import SegmentDescription

WEIGHTS_FOLDER = Path(__file__).resolve().parent.parent / "weights"


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
        content = json.loads(path.read_text(encoding="utf-8"))
        return _build_spec(content, card.read_text(encoding="utf-8") if card.is_file() else "")
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"{path.name} does not describe a network: {error!r}") from error


def write_manifest(path: Path, spec: ModelSpec, *, provenance: Mapping[str, object]) -> None:
    """Write a network's manifest; `provenance` says how the weights came about and what was measured."""
    if spec.network is None:
        raise ManifestError(f"{spec.name} is not a network.")
    network = spec.network
    content = {
        "name": spec.name,
        "version": spec.version,
        "title": spec.title,
        "summary": spec.summary,
        "limits": spec.limits,
        "modalities": sorted(spec.modalities),
        "licence": spec.licence,
        "segments": [
            {
                "segment_number": s.segment_number,
                "segment_label": s.segment_label,
                "category": s.category,
                "type": s.type,
                "colour": s.colour,
            }
            for s in spec.segments
        ],
        "network": {
            "architecture": network.architecture,
            "channels": network.channels,
            "spacing_mm": network.spacing_mm,
            "window": network.window,
            "overlap": network.overlap,
            "weights_path": network.weights_path,
            "weights_sha256": network.weights_sha256,
        },
        "provenance": dict(provenance),
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _build_spec(content: dict[str, Any], card: str) -> ModelSpec:
    network = content["network"]
    if Path(network["weights_path"]).name != network["weights_path"]:
        raise ValueError("weights lie beside the manifest")
    spacing = network["spacing_mm"]
    return ModelSpec(
        name=content["name"],
        version=content["version"],
        title=content["title"],
        summary=content["summary"],
        limits=content["limits"],
        method=Method.NETWORK,
        modalities=frozenset(content["modalities"]),
        segments=tuple(
            SegmentDescription(
                s["segment_number"], s["segment_label"], _triple(s["category"]), _triple(s["type"]), s["colour"]
            )
            for s in content["segments"]
        ),
        network=NetworkSpec(
            architecture=network["architecture"],
            channels=tuple(network["channels"]),
            spacing_mm=None if spacing is None else _triple(spacing),
            window=_triple(network["window"]),
            overlap=network["overlap"],
            weights_path=network["weights_path"],
            weights_sha256=network["weights_sha256"],
        ),
        licence=content["licence"],
        card=card,
        needs_volume=True,
    )


def _triple(values: Any) -> tuple[Any, Any, Any]:
    first, second, third = values
    return first, second, third
