"""MONAI bundles, folder or zip: configs/metadata.json, configs/inference.json or .yaml, models/model.pt or .ts.

MONAI itself runs a bundle by importing what "_target_" names and evaluating what follows "$". Here both are read as
data: the network and transforms through tables of what is understood, and anything else is refused by name.

Where a bundle resamples, its own order says what is interpolated on the way back: after Activationsd probabilities,
before it scores. The two differ along every border between classes.

References
----------
https://docs.monai.io/en/stable/mb_specification.html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference.formats.archive import MOST_WEIGHTS_BYTES, read_file
from inference.formats.imported import ImportedModel, Naming, describe_segments, digest_file, make_name
from inference.formats.monai_config import Config, read_config
from inference.formats.monai_transforms import Finish, Preparation, read_finish, read_preparation, read_target
from inference.formats.refusals import BrokenModelError, NotUnderstoodError
from inference.formats.tensors import check_fit, read_tensors
from inference.formats.torchscript import check_torchscript
from inference.model_spec import Method, ModelSpec
from inference.network_spec import (
    COLUMN_ROW_SLICE,
    Argument,
    Decision,
    DecisionRule,
    GridPlacement,
    InputChannel,
    NetworkSpec,
    Triple,
)
from inference.pipeline.manifest import freeze
from inference.pipeline.networks import MONAI_NETWORKS, MONAI_PREFIX
from inference.pipeline.weights import encode_tensors
from inference.pipeline.windows import GridRule

FORMAT = "MONAI bundle"
_WEIGHTS = "weights.pt"
_SCRIPT = "model.ts"
_NETWORK_PARTS = ("network_def", "net", "network")
_DEFAULT_PARTS = {"SwinUNETR": {"img_size"}}
"""Arguments of older releases that change nothing in this one."""
_WINDOW_ARGUMENTS = frozenset(
    {"_target_", "roi_size", "sw_batch_size", "overlap", "mode", "padding_mode", "cval", "spatial_dim",
     "sw_device", "device", "progress", "cache_roi_weight_map"}
)  # fmt: skip


def is_monai_bundle(root: Path) -> bool:
    """Tell whether a folder holds a bundle."""
    return (root / "configs" / "metadata.json").is_file()


def read_monai_bundle(root: Path, naming: Naming) -> ImportedModel:
    """Read a bundle into a catalogue entry and weights.

    Raises
    ------
    NotUnderstoodError
        Where it asks for a network, transform or argument that is not in the tables; names it.
    UnsafeModelError
        Where a value that is needed is an expression, or the weights hold code.
    BrokenModelError
        Where files are missing, damaged or contradict each other.
    """
    try:
        metadata = read_config(root, "metadata")
        config = read_config(root, "inference")
        inputs, outputs = _read_formats(metadata)
        network, files = _read_network(root, config, inputs, outputs)
        return ImportedModel(_describe(root, naming, metadata, inputs, outputs, network), files, _trace(root, metadata))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise BrokenModelError(f"The bundle's configuration contradicts itself: {error!r}.") from error


def _read_formats(metadata: Config) -> tuple[dict[str, Any], dict[str, Any]]:
    formats = metadata.part("network_data_format")
    inputs, outputs = formats["inputs"], formats["outputs"]
    if len(inputs) != 1 or len(outputs) != 1:
        raise NotUnderstoodError("SegWeb runs networks with one input and one output.")
    return next(iter(inputs.values())), next(iter(outputs.values()))


def _read_network(
    root: Path, config: Config, inputs: Mapping[str, Any], outputs: Mapping[str, Any]
) -> tuple[NetworkSpec, dict[str, bytes]]:
    channels, scores = int(inputs["num_channels"]), int(outputs["num_channels"])
    preparation = read_preparation(config, "preprocessing", channels)
    finish = read_finish(config, "postprocessing")
    windows = _read_windows(config)
    names = inputs.get("channel_def", {})
    common: dict[str, Any] = {
        **windows,
        "channels": tuple(
            InputChannel(str(names.get(str(number), f"image {number + 1}")), preparation.normalisation)
            for number in range(channels)
        ),
        **_describe_grid(preparation),
        "decision": _read_decision(finish, scores),
    }
    if not (root / "models" / "model.pt").is_file() and (root / "models" / _SCRIPT).is_file():
        data = read_file(root, f"models/{_SCRIPT}", most_bytes=MOST_WEIGHTS_BYTES)
        check_torchscript(_SCRIPT, data)
        return NetworkSpec("torchscript", {}, (digest_file(_SCRIPT, data),), **common), {_SCRIPT: data}
    architecture, arguments = _read_architecture(config, channels, scores, common["flat_axis"])
    stored = read_tensors("model.pt", read_file(root, "models/model.pt", most_bytes=MOST_WEIGHTS_BYTES))
    prefix = "" if common["flat_axis"] is None else "network."  # a 2D network lies within the one that feeds it slices
    tensors = {prefix + key: value for key, value in stored.items()}
    data = encode_tensors(tensors)
    network = NetworkSpec(architecture, arguments, (digest_file(_WEIGHTS, data),), **common)
    check_fit(network, scores, tensors)
    return network, {_WEIGHTS: data}


def _read_architecture(
    config: Config, channels: int, scores: int, flat_axis: int | None
) -> tuple[str, dict[str, Argument]]:
    part = next((config.part(name) for name in _NETWORK_PARTS if config.has(name)), None)
    if not isinstance(part, dict):
        raise NotUnderstoodError("The bundle does not describe its network as a part 'network_def' with a class.")
    name = read_target(part)
    if name not in MONAI_NETWORKS:
        raise NotUnderstoodError(f"SegWeb does not build {name!r}; it builds {', '.join(sorted(MONAI_NETWORKS))}.")
    without = {"_target_", "_desc_", "_requires_"} | _DEFAULT_PARTS.get(name, set())
    arguments = config.resolve({k: v for k, v in part.items() if k not in without}, where=name)
    expected = {"spatial_dims": 3 if flat_axis is None else 2, "in_channels": channels, "out_channels": scores}
    for key, value in expected.items():
        if key in arguments and arguments.pop(key) != value:
            raise BrokenModelError(f"The network's {key} is not the {value} that the rest of the bundle says.")
    return MONAI_PREFIX + name, {key: freeze(value) for key, value in arguments.items()}


def _read_windows(config: Config) -> dict[str, Any]:
    part = config.part("inferer")
    name = read_target(part)
    if name not in ("SlidingWindowInferer", "SliceInferer"):
        raise NotUnderstoodError(f"SegWeb runs networks in sliding windows, not by {name!r}.")
    arguments = config.resolve(
        {k: v for k, v in part.items() if k not in ("sw_batch_size", "sw_device", "device")}, where=name
    )
    odd = next((key for key in arguments if key not in _WINDOW_ARGUMENTS), None)
    mode = arguments.get("mode", "constant")
    if (
        odd is not None
        or mode not in ("gaussian", "constant")
        or arguments.get("padding_mode", "constant") != "constant"
    ):
        raise NotUnderstoodError(f"{name} with {odd or 'this mode or padding'} is not something SegWeb does.")
    window, flat_axis = _read_window(arguments, is_flat=name == "SliceInferer")
    return {
        "window": window,
        "flat_axis": flat_axis,
        "overlap": float(arguments.get("overlap", 0.25)),
        "grid": (GridRule.MONAI if mode == "gaussian" else GridRule.MONAI_CONSTANT).value,
        "pad_value": float(arguments.get("cval", 0.0)),
    }


def _read_window(arguments: Mapping[str, Any], *, is_flat: bool) -> tuple[Triple, int | None]:
    sizes = [int(size) for size in arguments["roi_size"]]
    flat_axis = int(arguments.get("spatial_dim", 0)) if is_flat else None
    if flat_axis is not None:
        sizes.insert(flat_axis, 1)
    if len(sizes) != 3 or not all(1 <= size <= 1024 for size in sizes):
        raise NotUnderstoodError(f"SegWeb needs windows of a fixed size, and the bundle says {arguments['roi_size']}.")
    return (sizes[0], sizes[1], sizes[2]), flat_axis


def _describe_grid(preparation: Preparation) -> dict[str, Any]:
    return {
        "spacing_mm": preparation.spacing_mm,
        "placement": GridPlacement.SAME_FIRST_VOXEL,
        "orientation": preparation.orientation or COLUMN_ROW_SLICE,
    }


def _read_decision(finish: Finish, scores: int) -> Decision:
    if finish.is_highest:
        return Decision(is_interpolated=finish.is_interpolated, interpolated=finish.interpolated)
    return Decision(
        DecisionRule.REGIONS,
        labels=tuple(range(1, scores + 1)),
        threshold=finish.threshold,
        is_interpolated=finish.is_interpolated,
        interpolated=finish.interpolated,
    )


def _describe(
    root: Path,
    naming: Naming,
    metadata: Config,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    network: NetworkSpec,
) -> ModelSpec:
    def say(name: str, otherwise: str = "") -> str:
        return str(metadata.part(name)).strip() if metadata.has(name) else otherwise

    title = naming.title or say("name") or root.name
    return ModelSpec(
        name=naming.name or make_name(say("name") or root.name),
        version=naming.version or say("version", "1"),
        title=title[:100],
        summary=(say("description") or say("task") or title)[:300],
        limits=f"Imported; not validated here. Intended use by its makers: {say('intended_use', 'not stated')[:300]}",
        intended_use=say("intended_use")[:1000],
        method=Method.NETWORK,
        modalities=naming.modalities or _read_modalities(inputs),
        segments=describe_segments(_read_labels(outputs, network)),
        network=network,
        licence=naming.licence or say("license", "") or say("copyright", "not stated")[:100],
        card=_write_card(metadata),
        format=FORMAT,
        needs_volume=True,
    )


def _read_labels(outputs: Mapping[str, Any], network: NetworkSpec) -> dict[int, str]:
    scores = int(outputs["num_channels"])
    named = {int(number): str(label) for number, label in outputs.get("channel_def", {}).items()}
    if network.decision.rule is DecisionRule.REGIONS:
        return {label: named.get(label - 1, f"Region {label}") for label in network.decision.labels}
    return {number: named.get(number, f"Segment {number}") for number in range(1, scores)}


def _read_modalities(inputs: Mapping[str, Any]) -> frozenset[str]:
    named = str(inputs.get("modality", "")).upper()
    known = {"CT": "CT", "MR": "MR", "MRI": "MR", "PT": "PT", "PET": "PT"}
    return frozenset({known[named]}) if named in known else frozenset()


def _write_card(metadata: Config) -> str:
    words = {"authors": "Authors", "copyright": "Copyright", "data_source": "Data", "eval_metrics": "Evaluation"}
    lines = [f"- {title}: {metadata.part(name)}" for name, title in words.items() if metadata.has(name)]
    references = metadata.part("references") if metadata.has("references") else []
    lines += [f"- {reference}" for reference in references if isinstance(reference, str)]
    return "\n".join(["## What its makers say", "", *lines]) if lines else ""


def _trace(root: Path, metadata: Config) -> dict[str, object]:
    digests = {
        str(path.relative_to(root)): digest_file(path.name, path.read_bytes()).sha256
        for path in sorted((root / "configs").glob("*"))
        if path.is_file() and path.name.startswith(("metadata", "inference"))
    }
    said = {
        name: str(metadata.part(key))[:2000]
        for name, key in (("makers", "authors"), ("training_data", "data_source"), ("copyright", "copyright"))
        if metadata.has(key)
    }
    measured = metadata.part("eval_metrics") if metadata.has("eval_metrics") else {}
    if isinstance(measured, dict) and measured:
        said["makers_evaluation"] = ", ".join(f"{name}: {value}" for name, value in measured.items())[:2000]
    return said | {
        "source": digests,
        "monai_version": str(metadata.part("monai_version")) if metadata.has("monai_version") else "",
    }
