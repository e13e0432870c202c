"""Fitting a network's quality gate: how images and answers lie over the cases it learnt from and was tuned on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference.evaluation.cases import OutlinedCase
from inference.evaluation.run import match_segments
from inference.gate_reference import (
    DiceReference,
    GateReference,
    ImageReference,
    Spread,
    measure_shortfall,
    read_gate,
    write_gate,
)
from inference.model_spec import ModelSpec, Progress
from inference.pipeline.gate import GateVerdict, count_marked, imply_dice, judge_run, measure_distance
from inference.pipeline.image_statistics import ImageStatistics, gather_statistics
from inference.pipeline.job_maps import MapKind, gather_maps
from inference.pipeline.segment import segment
from inference.training.evaluation import measure_dice
from inference.training.outlined import LoadedSet, Part
from inference.training.recipes import Recipe, draw_case
from inference.training.windows import spawn_generator

_DRAWN_CASES = {Part.TRAIN: (11, 60), Part.TUNE: (12, 24), Part.VALIDATE: (13, 16)}
"""Of recipes that draw their cases: a branch of the seed that nothing else is drawn from, and how many."""
_LEAST_CASES = 8
"""With fewer, nobody can say where a hundredth of the cases lies."""
_LEAST_DEVIATION = 0.02

Rows = npt.NDArray[np.float64]
OnCase = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Observation:
    """A case that was run.

    Attributes
    ----------
    marked
        Voxels of each label, by label.
    statistics, histograms
        What the run delivered.
    dice
        Observed, by segment number; None where neither the person nor the network marked the segment.
    is_outlined
        By segment number, whether the person marked it.
    """

    marked: npt.NDArray[np.intp]
    statistics: Sequence[ImageStatistics]
    histograms: Mapping[int, Sequence[int]]
    dice: dict[int, float | None]
    is_outlined: dict[int, bool]

    @property
    def mean_dice(self) -> float | None:
        """Over the segments that have one."""
        known = [dice for dice in self.dice.values() if dice is not None]
        return float(np.mean(known)) if known else None

    def imply(self, number: int) -> float | None:
        """Return the Dice that the run's own probabilities imply for a segment, None where it marked none."""
        count = int(self.marked[number]) if number < len(self.marked) else 0
        return imply_dice(self.histograms[number], count) if count else None

    def judge(self, spec: ModelSpec) -> GateVerdict:
        """Return what a model's gate says."""
        return judge_run(spec, marked=self.marked, statistics=self.statistics, histograms=self.histograms)


def gather_cases(recipe: Recipe, loaded: LoadedSet | None, part: Part) -> tuple[OutlinedCase, ...]:
    """Return the cases of a part: of the recipe's set, or drawn."""
    if loaded is not None:
        return loaded.cases[part]
    branch, count = _DRAWN_CASES[part]
    drawn = (draw_case(recipe, spawn_generator(recipe.seed, branch, number)) for number in range(count))
    return tuple(
        OutlinedCase(f"synthetic {number}", volume, (), truth, has_spacing=True, facts={})
        for number, (volume, truth) in enumerate(drawn, start=1)
    )


def observe_case(case: OutlinedCase, spec: ModelSpec) -> Observation:
    """Run a network over a case, as a worker does, and keep what its gate sees.

    Raises
    ------
    studies.errors.DomainError
        Where the image cannot be used.
    """
    channels = case.colours if spec.reads_colours else ()
    with gather_maps() as maps, gather_statistics() as statistics:
        label_map = segment(case.image, spec, _ignore, parameters={}, channels=channels)
    outlined = {number: np.isin(case.truth, own) for number, own in match_segments(spec, case.truth).items()}
    return Observation(
        marked=count_marked(label_map),
        statistics=statistics,
        histograms=maps[MapKind.UNCERTAINTY].histograms,
        dice={number: measure_dice(label_map.voxels == number, truth) for number, truth in outlined.items()},
        is_outlined={number: bool(truth.any()) for number, truth in outlined.items()},
    )


def fit_gate(recipe: Recipe, spec: ModelSpec, folder: Path, loaded: LoadedSet | None, on_case: OnCase) -> ModelSpec:
    """Return a trained network's entry with its gate: statistics from TRAIN, limits from TUNE.

    Raises
    ------
    ValueError
        Where there are too few cases.
    """
    here = replace(spec, folder=folder, gate=None)
    observed: dict[Part, list[Observation]] = {Part.TRAIN: [], Part.TUNE: []}
    for part, theirs in observed.items():
        for case in gather_cases(recipe, loaded, part):
            theirs.append(observe_case(case, here))
            on_case(f"{part} {case.name}")
    return replace(spec, gate=fit_reference(spec, observed[Part.TRAIN], observed[Part.TUNE]))


def fit_reference(spec: ModelSpec, train: Sequence[Observation], tune: Sequence[Observation]) -> GateReference:
    """Return the gate's reference from cases that were run."""
    if spec.network is None or min(len(train), len(tune)) < _LEAST_CASES:
        raise ValueError(f"A gate needs a network and at least {_LEAST_CASES} cases of each part; take a larger set.")
    image = _fit_images([_only(each) for each in train], [_only(each) for each in tune])
    numbers = [segment.segment_number for segment in spec.segments]
    fitted = (_fit_dice(number, train, tune) for number in numbers)
    gate = GateReference(
        weights=tuple(file.sha256 for file in spec.network.weights),
        temperature=spec.temperature,
        image=image,
        dice=tuple(each for each in fitted if each is not None),
        train_cases=len(train),
        tune_cases=len(tune),
    )
    return read_gate(write_gate(gate))  # with the digits that the manifest keeps


def _only(observation: Observation) -> ImageStatistics:
    (statistics,) = observation.statistics
    return statistics


def _fit_images(train: Sequence[ImageStatistics], tune: Sequence[ImageStatistics]) -> ImageReference:
    rows = np.concatenate([each.rows for each in train])
    centre, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-3)
    scaled = (rows - centre) / scale
    reference = ImageReference(
        names=train[0].names,
        centre=tuple(centre.tolist()),
        scale=tuple(scale.tolist()),
        precision=tuple(tuple(row) for row in np.linalg.inv(shrink_covariance(scaled)).tolist()),
        distance=Spread(0.0, 1.0),
    )
    distances = [measure_distance(reference, each)[0] for each in tune]
    return replace(reference, distance=_spread(distances))


def shrink_covariance(rows: Rows) -> Rows:
    """Return the covariance of rows (sample, statistic) of mean 0, drawn towards that of independent statistics.

    References
    ----------
    Ledoit O, Wolf M. A well-conditioned estimator for large-dimensional covariance matrices. J Multivar Anal
    2004;88:365.
    """
    count, size = rows.shape
    sample = rows.T @ rows / count
    target = np.trace(sample) / size * np.eye(size)
    squares = rows**2
    noise = float((squares.T @ squares / count - sample**2).sum()) / count
    distance = float(((sample - target) ** 2).sum())
    share = min(1.0, noise / distance) if distance > 0 else 1.0
    shrunk: Rows = (1.0 - share) * sample + share * target
    return shrunk


def _fit_dice(number: int, train: Sequence[Observation], tune: Sequence[Observation]) -> DiceReference | None:
    """Return how the Dice of a segment is told; None where the network marks it in too few of the cases."""
    pairs = [(implied, each.dice[number]) for each in tune if (implied := each.imply(number)) is not None]
    known = np.array([(implied, dice) for implied, dice in pairs if dice is not None])
    if len(known) < _LEAST_CASES:
        return None
    slope, offset = _fit_line(known[:, 0], known[:, 1])
    plain = DiceReference(number, slope, offset, Spread(0.0, 1.0), all(each.is_outlined[number] for each in train))
    shortfalls = [measure_shortfall(plain.predict(implied)) for implied in known[:, 0].tolist()]
    return replace(plain, shortfall=_spread(shortfalls))


def _fit_line(implied: Rows, observed: Rows) -> tuple[float, float]:
    """Return slope and offset of the line from implied to observed Dice; 1 and 0 unless a line tells cases better.

    Each case is told by the line through the others.
    """
    errors = []
    for left_out in range(len(implied)):
        kept = np.arange(len(implied)) != left_out
        slope, offset = _draw_line(implied[kept], observed[kept])
        errors.append(abs(offset + slope * implied[left_out] - observed[left_out]))
    if np.mean(errors) < np.abs(implied - observed).mean():
        return _draw_line(implied, observed)
    return 1.0, 0.0


def _draw_line(x: Rows, y: Rows) -> tuple[float, float]:
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / max(float(((x - x.mean()) ** 2).sum()), 1e-9))
    return slope, float(y.mean() - slope * x.mean())


def _spread(values: Sequence[float]) -> Spread:
    return Spread(float(np.mean(values)), max(float(np.std(values, ddof=1)), _LEAST_DEVIATION))


def _ignore(progress: Progress) -> None:
    """Nobody watches these runs window by window."""
