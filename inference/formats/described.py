"""A folder with SegWeb's own manifest.json beside the weights: what training exports, and TorchScript and ONNX files.

The last two hold a network but not what it expects; the manifest says it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from inference.formats.archive import MOST_CONFIG_BYTES, MOST_WEIGHTS_BYTES, read_file
from inference.formats.imported import ImportedModel, Naming, digest_file
from inference.formats.onnx import check_onnx
from inference.formats.refusals import BrokenModelError
from inference.formats.tensors import check_fit, read_tensors
from inference.formats.torchscript import check_torchscript
from inference.model_spec import ModelSpec
from inference.network_spec import NetworkSpec, WeightsFile
from inference.pipeline.manifest import ManifestError, read_manifest, read_provenance

MANIFEST = "manifest.json"
_FORMATS = {"torchscript": "TorchScript", "onnx": "ONNX"}


def is_described(root: Path) -> bool:
    """Tell whether a folder holds a manifest."""
    return (root / MANIFEST).is_file()


def read_described(root: Path, naming: Naming) -> ImportedModel:
    """Read a folder into a catalogue entry and weights; digests that the manifest leaves empty are filled in.

    Raises
    ------
    BrokenModelError
        Where the manifest is none, or the weights are not those it names.
    UnsafeModelError
        Where the weights hold code that reaches beyond arithmetic.
    """
    read_file(root, MANIFEST, most_bytes=MOST_CONFIG_BYTES)
    try:
        spec = read_manifest(root / MANIFEST)
    except ManifestError as error:
        raise BrokenModelError(str(error)) from error
    if spec.network is None:
        raise BrokenModelError("The manifest describes no network.")
    files = {file.path: read_file(root, file.path, most_bytes=MOST_WEIGHTS_BYTES) for file in spec.network.weights}
    network = replace(spec.network, weights=tuple(_check_digest(file, files) for file in spec.network.weights))
    for name, data in files.items():
        _check_weights(network, network.count_scores(len(spec.segments)), name, data)
    kind = _FORMATS.get(network.architecture, "SegWeb folder")
    provenance = read_provenance(root / MANIFEST)
    return ImportedModel(rename(replace(spec, network=network, format=kind), naming), files, provenance)


def rename(spec: ModelSpec, naming: Naming) -> ModelSpec:
    """Return an entry with what a person said about it."""
    return replace(
        spec,
        name=naming.name or spec.name,
        version=naming.version or spec.version,
        title=naming.title or spec.title,
        licence=naming.licence or spec.licence,
        modalities=naming.modalities or spec.modalities,
    )


def _check_digest(file: WeightsFile, files: dict[str, bytes]) -> WeightsFile:
    found = digest_file(file.path, files[file.path])
    if file.sha256 and file.sha256 != found.sha256:
        raise BrokenModelError(
            f"{file.path} has the digest {found.sha256[:12]}… where the manifest says {file.sha256[:12]}…. "
            "Copy or export the model again."
        )
    return found


def _check_weights(network: NetworkSpec, scores: int, name: str, data: bytes) -> None:
    if network.architecture == "torchscript":
        check_torchscript(name, data)
    elif network.architecture == "onnx":
        check_onnx(name, data)
    else:
        check_fit(network, scores, read_tensors(name, data))
