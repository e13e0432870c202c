"""Grey values within a lesion, in the image's unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studies.imaging.volume import Volume
from studies.tracking.components import Lesion


@dataclass(frozen=True, slots=True)
class IntensityStatistics:
    """Distribution of the modality values of a lesion's voxels.

    Attributes
    ----------
    mean, standard_deviation, minimum, maximum
        In `unit`. The standard deviation is that of the voxels at hand (divided by n).
    unit
        As "HU", "SUVbw g/mL"; empty where the image has none.
    """

    mean: float
    standard_deviation: float
    minimum: float
    maximum: float
    unit: str


def measure_intensities(lesion: Lesion, image: Volume, *, unit: str, factor: float = 1.0) -> IntensityStatistics | None:
    """Return the statistics of a lesion's voxels times `factor`, None where one of them is not finite.

    Raises
    ------
    ValueError
        Where the lesion does not lie on the image's grid.
    """
    if any(each.stop > size for each, size in zip(lesion.box, image.voxels.shape, strict=True)):
        raise ValueError("The lesion does not lie on the grid of this image.")
    values = image.voxels[lesion.box][lesion.mask].astype(np.float64) * factor
    if not np.isfinite(values).all():
        return None
    return IntensityStatistics(
        float(values.mean()), float(values.std()), float(values.min()), float(values.max()), unit
    )
