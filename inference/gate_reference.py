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
    """How images lay that the network learnt from and was tuned on.

    Attributes
    ----------
    names
        The statistics of `inference.pipeline.image_statistics`, in order, or the numbers of a network's features.
    centre, scale
        Mean and deviation of each.
    factor
        Rows of the lower triangle L whose product with its transpose is the inverse of the shrunk covariance of the
        scaled statistics: that product is never negative, however few digits of it are kept.
    distance
        Logarithm of the root mean square of the Mahalanobis distance per statistic, of cases held against references
        fitted without their person: nearly normal.
    """

    names: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    factor: tuple[tuple[float, ...], ...]
    distance: Spread

    def __post_init__(self) -> None:
        if {len(self.centre), len(self.scale), len(self.factor)} != {len(self.names)} or not self.names:
            raise ValueError("Each statistic has a mean, a deviation, and a row of the factor.")
        if [len(row) for row in self.factor] != list(range(1, len(self.names) + 1)):
            raise ValueError("The factor's rows are those of a lower triangle.")

    @property
    def most(self) -> float:
        """The distance beyond which an image is unlike those that were learnt from."""
        return math.exp(self.distance.centre + DEVIATIONS * self.distance.deviation)

    def score(self, distance: float) -> float:
        """Return by how many deviations a distance is larger than usual."""
        return (math.log(max(distance, 1e-9)) - self.distance.centre) / self.distance.deviation


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
        Logarithm of what the predicted Dice lacks to 1, of the cases tuned on; so wide that 99 of 100 cases learnt
        from keep within `DEVIATIONS`, for a normal distribution has too thin a tail.
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
    features
        How the network's own features of images lay; None for architectures that give none.
    """

    weights: tuple[str, ...]
    temperature: float
    image: ImageReference
    dice: tuple[DiceReference, ...]
    train_cases: int
    tune_cases: int
    features: ImageReference | None = None


def write_gate(gate: GateReference) -> dict[str, Any]:
    """Return a reference as JSON holds it: numbers of a row in one line, so that a manifest stays readable."""
    features = None if gate.features is None else _write_images(gate.features)
    return asdict(gate) | {"image": _write_images(gate.image), "features": features}


def _write_images(reference: ImageReference) -> dict[str, Any]:
    return asdict(reference) | {
        "names": " ".join(reference.names),
        "centre": _join(reference.centre),
        "scale": _join(reference.scale),
        "factor": [_join(row) for row in reference.factor],
    }


def read_gate(content: Mapping[str, Any]) -> GateReference:
    """Return what `write_gate` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError
        Where it did not.
    """
    return GateReference(
        weights=tuple(content["weights"]),
        temperature=float(content["temperature"]),
        image=_read_images(content["image"]),
        dice=tuple(DiceReference(**each | {"shortfall": Spread(**each["shortfall"])}) for each in content["dice"]),
        train_cases=int(content["train_cases"]),
        tune_cases=int(content["tune_cases"]),
        features=None if content["features"] is None else _read_images(content["features"]),
    )


def _read_images(content: Mapping[str, Any]) -> ImageReference:
    return ImageReference(
        names=tuple(content["names"].split()),
        centre=_split(content["centre"]),
        scale=_split(content["scale"]),
        factor=tuple(_split(row) for row in content["factor"]),
        distance=Spread(**content["distance"]),
    )


def _join(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.5g}" for value in values)


def _split(line: str) -> tuple[float, ...]:
    return tuple(float(value) for value in line.split())
