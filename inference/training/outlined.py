"""Training sets with outlines by people: which case is learnt from, tuned on, reported; never two of one person apart.

The sets do not ship: `manage.py train --data FOLDER` names where their zips lie. A case goes with its group (patient,
or what looks alike where nobody is named) into one of three parts by the digest of the group's name, so that the parts
are the same on every machine: TRAIN is learnt from, TUNE decides (thresholds, temperature, when to stop), VALIDATE is
reported and decides nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from inference.evaluation.cases import LeftOut, OutlinedCase, find_cases, iterate_cases
from inference.evaluation.sources import open_source
from studies.errors import InvalidInputError

_THUMBNAIL = 24
_LARGEST_GROUP = 0.05
"""A group with a larger share of the cases is learnt from: in another part it would be that part."""
_VALIDATE, _TUNE = 0.2, 0.1


class TrainingDataMissingError(InvalidInputError):
    """A recipe's training set is not where it was looked for."""

    code: ClassVar[str] = "training.data_missing"


class Part(StrEnum):
    """What a case is for."""

    TRAIN = "train"
    TUNE = "tune"
    VALIDATE = "validate"


@dataclass(frozen=True, slots=True)
class OutlinedSet:
    """A training set.

    Attributes
    ----------
    file
        Its zip.
    modality
        DICOM modality of its images.
    licence, citation
        For the card: weights follow the data's licence.
    read_group
        From a case's name to whose it is; None groups by likeness.
    likeness
        Correlation of two thumbnails from which on they are taken for one person's, where nobody is named.
    is_wanted
        Of a case's name, whether the recipe uses it.
    make_healthy
        From a case to the same image without what is outlined, None where that cannot be had: for sets that show
        nothing but findings, from which a network learns that there always is one.
    """

    file: str
    modality: str
    licence: str
    citation: str
    read_group: Callable[[str], str] | None = None
    likeness: float = 0.9
    is_wanted: Callable[[str], bool] | None = None
    make_healthy: Callable[[OutlinedCase], OutlinedCase | None] | None = None


@dataclass(frozen=True, slots=True)
class LoadedSet:
    """The cases of a set by part, in order of name; what could not be read is named.

    Attributes
    ----------
    group_of
        By a case's name, whose it is, or what it looks like where nobody is named.
    """

    cases: Mapping[Part, tuple[OutlinedCase, ...]]
    left_out: tuple[LeftOut, ...]
    group_of: Mapping[str, str]

    @property
    def groups(self) -> int:
        """How many people or look-alike groups there are."""
        return len(set(self.group_of.values()))


def load_set(outlined: OutlinedSet, folder: Path | None) -> LoadedSet:
    """Read a set into memory and part it.

    Raises
    ------
    TrainingDataMissingError
        Says which file is missing and where it was looked for.
    """
    if folder is None or not (folder / outlined.file).is_file():
        where = "no folder was named" if folder is None else f"it is not in {folder}"
        raise TrainingDataMissingError(
            f"This recipe learns from {outlined.file}, and {where}. Name the folder that holds it with --data."
        )
    source = open_source(folder / outlined.file)
    files, left_out = find_cases(source)
    wanted = [each for each in files if outlined.is_wanted is None or outlined.is_wanted(each.name)]
    cases = list(iterate_cases(source, wanted, left_out, modality=outlined.modality))
    groups = group_cases(outlined, cases)
    parts = part_groups(outlined.file, groups)
    by_part: dict[Part, list[OutlinedCase]] = {part: [] for part in Part}
    for case, group in zip(cases, groups, strict=True):
        by_part[parts[group]].append(case)
    found = {part: tuple(sorted(theirs, key=lambda case: case.name)) for part, theirs in by_part.items()}
    group_of = {case.name: group for case, group in zip(cases, groups, strict=True)}
    return LoadedSet(found, tuple(left_out), group_of)


def group_cases(outlined: OutlinedSet, cases: Sequence[OutlinedCase]) -> list[str]:
    """Return for each case the group it belongs to."""
    if outlined.read_group is not None:
        return [outlined.read_group(case.name) for case in cases]
    thumbnails = np.stack([_make_thumbnail(case.image.voxels[len(case.image.voxels) // 2]) for case in cases])
    likeness = thumbnails @ thumbnails.T
    _, labels = connected_components(csr_array((likeness > outlined.likeness).astype(np.int8)), directed=False)
    first: dict[int, str] = {}
    for label, case in sorted(zip(labels.tolist(), cases, strict=True), key=lambda pair: pair[1].name):
        first.setdefault(label, case.name)
    return [first[label] for label in labels.tolist()]


def _make_thumbnail(plane: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    small = Image.fromarray(np.asarray(plane, np.float32)).resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)
    values = np.asarray(small, np.float32).ravel()
    values = values - values.mean()
    thumbnail: npt.NDArray[np.float32] = values / (np.linalg.norm(values) + 1e-6)
    return thumbnail


def part_groups(name: str, groups: Sequence[str]) -> dict[str, Part]:
    """Return each group's part: by the order of its digests, a fifth of the cases is reported and a tenth tuned on."""
    sizes: dict[str, int] = defaultdict(int)
    for group in groups:
        sizes[group] += 1
    total = len(groups)
    left = {Part.VALIDATE: _VALIDATE * total, Part.TUNE: _TUNE * total}
    parts: dict[str, Part] = {}
    for group in sorted(sizes, key=lambda each: hashlib.sha256(f"{name}/{each}".encode()).hexdigest()):
        is_small = sizes[group] <= max(1.0, _LARGEST_GROUP * total)
        part = next((each for each, room in left.items() if is_small and room > 0), Part.TRAIN)
        parts[group] = part
        if part is not Part.TRAIN:
            left[part] -= sizes[group]
    return parts
