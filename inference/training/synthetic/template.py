"""The MNI152 brain that ships inside nilearn's wheel, as tissue fractions; nothing is downloaded.

Axes here are those of an axial image: (slice towards the head, row towards the back, column towards the patient's
left), 1 mm apart, so that a voxel's place in LPS is ``ORIGIN_MM`` + index.

References
----------
Fonov V et al. Unbiased average age-appropriate atlases for pediatric studies. NeuroImage 2011.
doi:10.1016/j.neuroimage.2010.07.033
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
from scipy import ndimage

Fraction = npt.NDArray[np.float32]

_FILE = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
PADDING = ((0, 0), (22, 6), (8, 8))
"""Voxels added around the shipped box along (slice, row, column): the face needs room in front, the scalp around."""
ORIGIN_MM = (-72.0, -98.0 - PADDING[1][0], -98.0 - PADDING[2][0])
"""LPS-like centre of voxel (0, 0, 0) as (slice: head +, row: back +, column: left +), mm."""


@dataclass(frozen=True, slots=True)
class BrainTemplate:
    """Tissue fractions, 0 to 1, float32, axes (slice, row, column) at 1 mm; they sum to 1 inside the brain."""

    grey_matter: Fraction
    white_matter: Fraction
    fluid: Fraction
    brain: npt.NDArray[np.bool_]


def _load(name: str) -> Fraction:
    spec = importlib.util.find_spec("nilearn")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("nilearn is not installed: run `make run` once, it ships the brain template.")
    path = Path(spec.submodule_search_locations[0]) / "datasets" / "data" / _FILE.format(name)
    voxels = nibabel.Nifti1Image.from_filename(path).get_fdata(dtype=np.float32, caching="unchanged") / np.float32(
        255.0
    )
    axial = voxels[::-1, ::-1, :].transpose(2, 1, 0)  # RAS (x, y, z) to (slice, row, column)
    return np.pad(axial, PADDING)


@lru_cache(maxsize=1)
def load_brain_template() -> BrainTemplate:
    """Load and sharpen the tissue maps; cached per process.

    The template is an average of 152 people, so its cortex is blurred; raising the fractions to a power and
    normalising again makes each voxel side with its likeliest tissue, as in one person.
    """
    grey, white, head = _load("gm"), _load("wm"), _load("t1")
    brain = ndimage.binary_fill_holes(ndimage.binary_opening(head > 0.05, iterations=1))
    fluid = np.clip(1.0 - grey - white, 0.0, 1.0)
    powers = [np.power(np.clip(p, 0.0, 1.0), 2.0) for p in (grey, white, fluid * np.float32(1.15))]
    total = np.maximum(powers[0] + powers[1] + powers[2], np.float32(1e-6))
    inside = brain.astype(np.float32)
    grey, white, fluid = (np.asarray(p / total * inside, dtype=np.float32) for p in powers)
    return BrainTemplate(grey, white, fluid, brain)
