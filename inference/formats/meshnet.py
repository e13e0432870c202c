"""MeshNet in TensorFlow.js layers form: model.json, raw float32 weights, colormap.json with the labels.

References
----------
Brainchop (https://github.com/neuroneural/brainchop): images conformed to 256 x 256 x 256 voxels of 1 mm, scaled to
0..1; a convolution whose name ends in "_gn" has each of its feature maps normalised over the volume.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inference.formats.archive import MOST_CONFIG_BYTES, MOST_WEIGHTS_BYTES, read_file
from inference.formats.imported import ImportedModel, Naming, describe_segments, digest_file, make_name
from inference.formats.refusals import BrokenModelError, NotUnderstoodError
from inference.formats.tensors import check_fit
from inference.model_spec import Method, ModelSpec
from inference.network_spec import InputChannel, NetworkSpec, Normalisation, Scheme
from inference.pipeline.weights import encode_tensors

FORMAT = "MeshNet (TensorFlow.js)"
_WEIGHTS = "weights.pt"
_MUST_BE = {"strides": [1, 1, 1], "padding": "same", "data_format": "channels_last", "activation": "linear"}
_ACTIVATIONS = frozenset({"linear", "relu", "elu", "gelu"})


def is_meshnet(root: Path) -> bool:
    """Tell whether a folder holds such a model."""
    path = root / "model.json"
    return path.is_file() and b'"layers-model"' in path.read_bytes()[:4096]


def read_meshnet(root: Path, naming: Naming) -> ImportedModel:
    """Read a folder into a catalogue entry and torch weights.

    Raises
    ------
    NotUnderstoodError
        Where a layer is none of MeshNet's; names it.
    BrokenModelError
        Where files are missing or do not fit.
    """
    try:
        content = json.loads(read_file(root, "model.json", most_bytes=MOST_CONFIG_BYTES))
        layers = content["modelTopology"]["model_config"]["config"]["layers"]
        stored = _read_stored(root, content["weightsManifest"])
        arguments, tensors, window = _read_layers(layers, stored)
        labels = _read_labels(root, arguments["filters"][-1])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise BrokenModelError(f"model.json does not describe a MeshNet: {error!r}.") from error
    data = encode_tensors(tensors)
    network = NetworkSpec(
        architecture="meshnet",
        arguments=arguments,
        weights=(digest_file(_WEIGHTS, data),),
        window=window,
        channels=(InputChannel("head", Normalisation(Scheme.PERCENTILES, low=5.0, high=95.0, is_clipped=False)),),
        spacing_mm=(1.0, 1.0, 1.0),
        orientation="LIA",
        pad_value=0.0,
    )
    check_fit(network, len(labels) + 1, tensors)
    return ImportedModel(_describe(root, naming, labels, network), {_WEIGHTS: data}, _trace(root))


def _describe(root: Path, naming: Naming, labels: Mapping[int, str], network: NetworkSpec) -> ModelSpec:
    title = naming.title or f"MeshNet {root.name}"
    return ModelSpec(
        name=naming.name or make_name(root.name),
        version=naming.version or "1",
        title=title,
        summary=f"Marks {', '.join(labels.values())} on one head series.",
        limits="Imported; not validated here. Expects a whole head in one regular volume.",
        method=Method.NETWORK,
        modalities=naming.modalities or frozenset({"MR"}),
        segments=describe_segments(labels),
        network=network,
        licence=naming.licence or "not stated",
        format=FORMAT,
        needs_volume=True,
    )


def _trace(root: Path) -> dict[str, object]:
    source = digest_file("model.json", (root / "model.json").read_bytes())
    return {"source": {"path": source.path, "sha256": source.sha256}}


def _read_layers(
    layers: list[dict[str, Any]], stored: Mapping[str, Tensor]
) -> tuple[dict[str, Any], dict[str, Tensor], tuple[int, int, int]]:
    if layers[0]["class_name"] != "InputLayer":
        raise BrokenModelError("The first layer is not the input.")
    _, *window, channels_in = layers[0]["config"]["batch_input_shape"]
    if channels_in != 1 or len(window) != 3 or not all(isinstance(n, int) and 16 <= n <= 512 for n in window):
        raise NotUnderstoodError(f"An input of {window} voxels and {channels_in} channels is not one of MeshNet's.")
    columns: dict[str, list[Any]] = {
        name: [] for name in ("filters", "kernels", "dilations", "activations", "is_normalised", "has_bias")
    }
    tensors: dict[str, Tensor] = {}
    previous = layers[0]["name"]
    for layer in layers[1:]:
        if layer["inbound_nodes"][0][0][0] != previous or len(layer["inbound_nodes"]) != 1:
            raise NotUnderstoodError(f"The layer {layer['name']!r} does not follow the one before it.")
        previous = layer["name"]
        if layer["class_name"] == "Conv3D":
            _add_convolution(layer["config"], stored, columns, tensors)
        elif layer["class_name"] == "Activation" and layer["config"]["activation"] in _ACTIVATIONS:
            columns["activations"][-1] = layer["config"]["activation"]
        else:
            raise NotUnderstoodError(f"A MeshNet has no layer {layer['class_name']!r} as {layer['name']!r} is.")
    arguments = {name: tuple(values) for name, values in columns.items()}
    return arguments, tensors, (window[0], window[1], window[2])


def _add_convolution(
    config: dict[str, Any], stored: Mapping[str, Tensor], columns: dict[str, list[Any]], tensors: dict[str, Tensor]
) -> None:
    name = config["name"]
    odd = next((key for key, value in _MUST_BE.items() if config[key] != value), None)
    kernel, dilation = config["kernel_size"], config["dilation_rate"]
    if odd or config.get("groups", 1) != 1 or len(set(kernel)) != 1 or len(set(dilation)) != 1 or kernel[0] % 2 == 0:
        raise NotUnderstoodError(f"The convolution {name!r} is not one of MeshNet's ({odd or 'its kernel'}).")
    place = f"convolutions.{len(columns['filters'])}"
    # channels come last there, first here; the spatial axes are the same three in the same order
    tensors[f"{place}.weight"] = stored[f"{name}/kernel"].permute(4, 3, 0, 1, 2).contiguous()
    if config["use_bias"]:
        tensors[f"{place}.bias"] = stored[f"{name}/bias"]
    row = (config["filters"], kernel[0], dilation[0], "linear", name.endswith("_gn"), bool(config["use_bias"]))
    for column, value in zip(columns.values(), row, strict=True):
        column.append(value)


def _read_stored(root: Path, groups: list[dict[str, Any]]) -> dict[str, Tensor]:
    stored = {}
    for group in groups:
        if any(Path(path).name != path for path in group["paths"]):
            raise BrokenModelError("The weights do not lie beside model.json.")
        data = b"".join(read_file(root, path, most_bytes=MOST_WEIGHTS_BYTES) for path in group["paths"])
        offset = 0
        for entry in group["weights"]:
            if entry["dtype"] != "float32" or "quantization" in entry:
                raise NotUnderstoodError(f"{entry['name']!r} is not stored as float32. Export without quantisation.")
            size = 4 * math.prod(entry["shape"])
            if size < 0 or offset + size > len(data):
                raise BrokenModelError("The weights are shorter than model.json says. Copy them again.")
            values = np.frombuffer(data[offset : offset + size], "<f4").reshape(entry["shape"]).copy()
            if not np.isfinite(values).all():
                raise BrokenModelError(f"{entry['name']!r} holds values that are not numbers.")
            stored[str(entry["name"])] = torch.from_numpy(values)
            offset += size
        if offset != len(data):
            raise BrokenModelError("The weights are longer than model.json says. Copy them again.")
    return stored


def _read_labels(root: Path, scores: int) -> dict[int, str]:
    names: list[str] = []
    if (root / "colormap.json").is_file():
        names = [str(name) for name in json.loads(read_file(root, "colormap.json", most_bytes=65536))["labels"]]
    if len(names) != scores:
        names = ["background", *(f"Segment {number}" for number in range(1, scores))]
    return dict(list(enumerate(names))[1:])
