"""Which format a path holds, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from inference.formats.archive import is_archive, open_folder
from inference.formats.described import is_described, read_described
from inference.formats.imported import ImportedModel, Naming
from inference.formats.meshnet import is_meshnet, read_meshnet
from inference.formats.monai_bundle import is_monai_bundle, read_monai_bundle
from inference.formats.nnunet import is_nnunet, read_nnunet
from inference.formats.refusals import FormatUnknownError

Format = tuple[Callable[[Path], bool], Callable[[Path, Naming], ImportedModel]]

FORMATS: tuple[Format, ...] = (
    (is_described, read_described),
    (is_monai_bundle, read_monai_bundle),
    (is_meshnet, read_meshnet),
    (is_nnunet, read_nnunet),
)
"""In the order they are tried: whether a folder is of the format, and how it is read."""


def read_model(path: Path, naming: Naming) -> ImportedModel:
    """Read a folder or zip file; nothing is run, and nothing is left behind.

    Raises
    ------
    studies.errors.DomainError
        One of `inference.formats.refusals`: its code and sentence say why the model is not taken.
    """
    if not path.exists():
        raise FormatUnknownError(f"There is nothing at {path}.")
    if path.is_file() and not is_archive(path):
        raise FormatUnknownError(
            f"{path.name} is a single file. Give a folder or zip file: a MONAI bundle, an nnU-Net result folder, a "
            "MeshNet with model.json, or weights, TorchScript or ONNX beside a manifest.json that says what the file "
            "itself does not: its window, channels, spacing and segments."
        )
    with open_folder(path) as root:
        for is_format, read in FORMATS:
            if is_format(root):
                return read(root, naming)
    raise FormatUnknownError(
        f"{path.name} holds none of the forms SegWeb reads: configs/metadata.json (MONAI bundle), plans.json "
        "(nnU-Net), model.json (MeshNet) or manifest.json."
    )
