"""A TorchScript or ONNX file alone, with what a person says about it: the file holds a network, not what it expects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inference.formats.archive import MOST_WEIGHTS_BYTES, read_file
from inference.formats.imported import ImportedModel, Naming, describe_segments, digest_file, make_name
from inference.formats.onnx import check_onnx
from inference.formats.refusals import BrokenModelError, FormatUnknownError
from inference.formats.torchscript import check_torchscript
from inference.model_spec import Method, ModelSpec
from inference.network_spec import (
    SLICE_ROW_COLUMN,
    InputChannel,
    NetworkSpec,
    Normalisation,
    Scheme,
    Triple,
    WeightsFile,
)

_MOST_SEGMENTS, _MOST_CHANNELS = 255, 16
_WEIGHTS = {"onnx": "network.onnx", "torchscript": "network.ts"}
_FORMATS = {"onnx": "ONNX", "torchscript": "TorchScript"}


@dataclass(frozen=True, slots=True)
class Description:
    """What a network takes and gives, in the words of the person who brings it.

    Attributes
    ----------
    segments
        Names of its labels, 1 first; label 0 is background.
    window
        Voxels of one pass along the network's own axes.
    channels
        What each input must be, in order.
    spacing_mm
        What it was trained at; None runs on the image's own grid.
    orientation
        As `NetworkSpec.orientation`.
    scheme, low, high, mean, deviation
        As `Normalisation`, the same for each channel.
    intended_use
        As its makers state it, or empty.
    """

    segments: tuple[str, ...]
    window: Triple
    channels: tuple[str, ...] = ("image",)
    spacing_mm: tuple[float, float, float] | None = None
    orientation: str = SLICE_ROW_COLUMN
    scheme: Scheme = Scheme.Z_SCORE
    low: float = 0.0
    high: float = 1.0
    mean: float = 0.0
    deviation: float = 1.0
    intended_use: str = ""

    def __post_init__(self) -> None:
        if not 0 < len(self.segments) <= _MOST_SEGMENTS or not all(name.strip() for name in self.segments):
            raise ValueError(f"A network has 1 to {_MOST_SEGMENTS} segments, each with a name.")
        if not 0 < len(self.channels) <= _MOST_CHANNELS:
            raise ValueError(f"A network has 1 to {_MOST_CHANNELS} input channels.")


def read_single_file(path: Path, naming: Naming, description: Description) -> ImportedModel:
    """Read a file and its description into a catalogue entry; nothing is run.

    Raises
    ------
    FormatUnknownError
        Where it is neither TorchScript nor ONNX, or nothing says what it expects.
    BrokenModelError
        Where the file is damaged or the description contradicts itself.
    UnsafeModelError
        Where the file holds code that reaches beyond arithmetic.
    """
    data = read_file(path.parent, path.name, most_bytes=MOST_WEIGHTS_BYTES)
    architecture = _tell_architecture(path, data)
    name = _WEIGHTS[architecture]
    try:
        network = _describe_network(architecture, digest_file(name, data), description)
    except ValueError as error:
        raise BrokenModelError(f"What was said about the network contradicts itself: {error}") from error
    title = (naming.title or path.stem)[:100]
    marked = ", ".join(description.segments)
    spec = ModelSpec(
        name=naming.name or make_name(title),
        version=naming.version or "1",
        title=title,
        summary=f"Marks {marked[:160]}.",
        limits="Imported; not validated here. What it expects was stated by the person who imported it.",
        intended_use=description.intended_use[:1000],
        method=Method.NETWORK,
        modalities=naming.modalities,
        segments=describe_segments(dict(enumerate(description.segments, start=1))),
        network=network,
        licence=naming.licence or "not stated",
        format=_FORMATS[architecture],
        needs_volume=True,
    )
    return ImportedModel(spec, {name: data})


def _tell_architecture(path: Path, data: bytes) -> str:
    if path.suffix.lower() == ".onnx":
        check_onnx(path.name, data)
        return "onnx"
    if data[:4] == b"PK\x03\x04":
        check_torchscript(path.name, data)
        return "torchscript"
    raise FormatUnknownError(
        f"{path.name} is neither TorchScript (torch.jit.save) nor ONNX. Weights alone do not say which network they "
        "belong to: export the network with torch.jit.save or torch.onnx.export."
    )


def _describe_network(architecture: str, weights: WeightsFile, said: Description) -> NetworkSpec:
    normalisation = Normalisation(
        said.scheme, low=said.low, high=said.high, mean=said.mean, deviation=said.deviation, to_low=0.0, to_high=1.0
    )
    flat_axes = [axis for axis, size in enumerate(said.window) if size == 1]
    return NetworkSpec(
        architecture,
        {},
        (weights,),
        said.window,
        channels=tuple(InputChannel(name.strip() or "image", normalisation) for name in said.channels),
        spacing_mm=said.spacing_mm,
        orientation=said.orientation,
        flat_axis=flat_axes[0] if len(flat_axes) == 1 else None,
    )
