"""What every format gives: a catalogue entry, the files that belong to it, and where it came from."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from inference.model_spec import ModelSpec
from inference.network_spec import WeightsFile
from studies.label_maps.label_map import PALETTE, CodedConcept, SegmentDescription

_ANATOMY: CodedConcept = ("123037004", "SCT", "Anatomical Structure")
_ABNORMAL: CodedConcept = ("49755003", "SCT", "Morphologically Altered Structure")
_TISSUE: CodedConcept = ("85756007", "SCT", "Tissue")
_KNOWN: Mapping[str, tuple[CodedConcept, CodedConcept]] = {
    "brain": (_ANATOMY, ("12738006", "SCT", "Brain")),
    "brain mask": (_ANATOMY, ("12738006", "SCT", "Brain")),
    "white matter": (_ANATOMY, ("68523003", "SCT", "White matter")),
    "grey matter": (_ANATOMY, ("389080008", "SCT", "Grey matter")),
    "gray matter": (_ANATOMY, ("389080008", "SCT", "Grey matter")),
    "liver": (_ANATOMY, ("10200004", "SCT", "Liver")),
    "spleen": (_ANATOMY, ("78961009", "SCT", "Spleen")),
    "pancreas": (_ANATOMY, ("15776009", "SCT", "Pancreas")),
    "kidney": (_ANATOMY, ("64033007", "SCT", "Kidney")),
    "lung": (_ANATOMY, ("39607008", "SCT", "Lung")),
    "heart": (_ANATOMY, ("80891009", "SCT", "Heart")),
    "prostate": (_ANATOMY, ("41216001", "SCT", "Prostate")),
    "tumor": (_ABNORMAL, ("108369006", "SCT", "Neoplasm")),
    "tumour": (_ABNORMAL, ("108369006", "SCT", "Neoplasm")),
    "lesion": (_ABNORMAL, ("52988006", "SCT", "Lesion")),
}
_UNNAMED: tuple[CodedConcept, CodedConcept] = (_TISSUE, ("85756007", "SCT", "Tissue"))


@dataclass(frozen=True, slots=True)
class Naming:
    """What a person may say about a model where its files do not, or say it otherwise; empty keeps the files' word."""

    name: str = ""
    version: str = ""
    title: str = ""
    licence: str = ""
    modalities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """A model that was read and understood, not yet stored.

    Attributes
    ----------
    spec
        The catalogue entry, with the digests of `files`.
    files
        Weights by name, as they will be stored.
    provenance
        Where it came from, for the manifest.
    """

    spec: ModelSpec
    files: Mapping[str, bytes]
    provenance: Mapping[str, object] = field(default_factory=dict)


def digest_file(name: str, data: bytes) -> WeightsFile:
    """Return the reference to a file that a manifest holds."""
    return WeightsFile(name, hashlib.sha256(data).hexdigest())


def describe_origin(file_name: str, *, imported_at: datetime, sha256: str = "") -> dict[str, object]:
    """Return where a model's files came from, as its manifest keeps it."""
    origin: dict[str, object] = {"file_name": file_name, "imported_at": imported_at.isoformat(timespec="seconds")}
    return origin | ({"sha256": sha256} if sha256 else {})


def make_name(text: str) -> str:
    """Return a name for the catalogue from a title: lower case letters, digits and underscores."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:64]


def describe_segments(labels: Mapping[int, str]) -> tuple[SegmentDescription, ...]:
    """Return segments with the DICOM codes of the names that are known; others are coded as tissue."""
    segments = []
    for index, (number, label) in enumerate(sorted(labels.items())):
        category, concept = _KNOWN.get(label.strip().lower(), _UNNAMED)
        shown = (label.strip() or f"Segment {number}")[:64]
        segments.append(SegmentDescription(number, shown, category, concept, PALETTE[index % len(PALETTE)]))
    return tuple(segments)
