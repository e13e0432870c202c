"""What the quality gate holds a run of a network against: figures of the cases it was fitted on. JSON can hold it.

Imports neither torch nor Django.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

DEVIATIONS = 2.326
"""How far from its centre a score may lie: 99 of 100 of a normal distribution lie nearer on that side."""
LEAST_DICE = 0.7
"""Below this overlap no run passes, however usual that is for its network.

References
----------
Zijdenbos AP et al. IEEE Trans Med Imaging 1994;13:716 (0.7 as excellent agreement).
"""


@dataclass(frozen=True, slots=True)
class Spread:
    """How a score lay over the cases that were tuned on.

    Attributes
    ----------
    centre, deviation
        Mean and standard deviation.
    """

    centre: float
    deviation: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.centre) and 0 < self.deviation < math.inf):
            raise ValueError("A spread is a finite mean and a positive standard deviation.")


@dataclass(frozen=True, slots=True)
class ImageReference:
    """How images lay that the network learnt from.

    Attributes
    ----------
    names
        The statistics of `inference.pipeline.image_statistics`, in order.
    centre, scale
        Mean and standard deviation of each over the cases it learnt from.
    precision
        Inverse of the shrunk covariance of the scaled statistics.
    distance
        Of the cases tuned on: the cube root of the mean square Mahalanobis distance, which is nearly normal.
    """

    names: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    distance: Spread

    def __post_init__(self) -> None:
        sizes = {len(self.centre), len(self.scale), len(self.precision), *(len(row) for row in self.precision)}
        if sizes != {len(self.names)} or not self.names:
            raise ValueError("Each statistic has a mean, a deviation, and a row and a column of the precision.")

    @property
    def most(self) -> float:
        """The distance beyond which an image is unlike those that were learnt from."""
        return self.distance.centre + DEVIATIONS * self.distance.deviation


def measure_shortfall(dice: float) -> float:
    """Return the logarithm of what a Dice lacks to 1; of a perfect one that of a ten-thousandth."""
    return math.log(max(1.0 - dice, 1e-4))


@dataclass(frozen=True, slots=True)
class DiceReference:
    """From the Dice that a run's probabilities imply to the one to expect, of one segment.

    Attributes
    ----------
    slope, offset
        Predicted = offset + slope * implied; 1 and 0 where no line told better.
    shortfall
        Logarithm of what the predicted Dice lacks to 1, of the cases tuned on: nearly normal, as the Dice is not.
    is_always_there
        Whether every case that was learnt from shows it.
    """

    segment_number: int
    slope: float
    offset: float
    shortfall: Spread
    is_always_there: bool

    @property
    def least(self) -> float:
        """The predicted Dice below which a person must look."""
        return max(LEAST_DICE, 1.0 - math.exp(self.shortfall.centre + DEVIATIONS * self.shortfall.deviation))

    def predict(self, implied: float) -> float:
        """Return the Dice to expect, 0 to 1."""
        return min(1.0, max(0.0, self.offset + self.slope * implied))


@dataclass(frozen=True, slots=True)
class GateReference:
    """Everything that judging a run of a network needs.

    Attributes
    ----------
    weights
        SHA-256 of the files it was fitted with: other weights need another fit.
    temperature
        Of the calibration then: another one gives other probabilities.
    train_cases, tune_cases
        How many cases it rests on.
    """

    weights: tuple[str, ...]
    temperature: float
    image: ImageReference
    dice: tuple[DiceReference, ...]
    train_cases: int
    tune_cases: int


def write_gate(gate: GateReference) -> dict[str, Any]:
    """Return a reference as JSON holds it: numbers of a row in one line, so that a manifest stays readable."""
    content = asdict(gate)
    image = content["image"]
    image |= {"names": " ".join(image["names"]), "centre": _join(image["centre"]), "scale": _join(image["scale"])}
    image["precision"] = [_join(row) for row in image["precision"]]
    return content


def read_gate(content: Mapping[str, Any]) -> GateReference:
    """Return what `write_gate` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError
        Where it did not.
    """
    image = content["image"]
    return GateReference(
        weights=tuple(content["weights"]),
        temperature=float(content["temperature"]),
        image=ImageReference(
            names=tuple(image["names"].split()),
            centre=_split(image["centre"]),
            scale=_split(image["scale"]),
            precision=tuple(_split(row) for row in image["precision"]),
            distance=Spread(**image["distance"]),
        ),
        dice=tuple(DiceReference(**each | {"shortfall": Spread(**each["shortfall"])}) for each in content["dice"]),
        train_cases=int(content["train_cases"]),
        tune_cases=int(content["tune_cases"]),
    )


def _join(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.6g}" for value in values)


def _split(line: str) -> tuple[float, ...]:
    return tuple(float(value) for value in line.split())
