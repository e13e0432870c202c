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
    DEVIATIONS,
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
from inference.pipeline.image_statistics import Aspect, ImageStatistics, aspect_of, gather_statistics
from inference.pipeline.job_maps import MapKind, gather_maps
from inference.pipeline.segment import segment
from inference.training.evaluation import measure_dice
from inference.training.outlined import LoadedSet, Part
from inference.training.recipes import Recipe, draw_case
from inference.training.windows import spawn_generator

_DRAWN_CASES = {Part.TRAIN: (11, 40), Part.TUNE: (12, 20), Part.VALIDATE: (13, 10)}
"""Of recipes that draw their cases: a branch of the seed that nothing else is drawn from, and how many."""
_LEAST_CASES = 8
"""With fewer, nobody can say where a hundredth of the cases lies."""
_LEAST_DEVIATION = 0.02
_FOLDS = 10
_USUAL = 0.99
_LEAST_SCALES = {Aspect.FIELD_OF_VIEW: 0.1, Aspect.FEATURES: 1e-3}
"""A statistic that hardly varies in the cases learnt from is no reason to turn away what differs a little: a field of
view by a tenth, others by two hundredths."""
_LEAST_OTHERS = 0.02
_SAME, _ANY = 1e-9, 1e9
_RIDGE = 1e-6
"""Keeps a covariance invertible where nothing varies, as in a network with dead features."""

Rows = npt.NDArray[np.float64]
OnCase = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Observation:
    """A case that was run.

    Attributes
    ----------
    person
        Whose case it is, or what it looks like where nobody is named.
    marked
        Voxels of each label, by label.
    statistics, histograms
        What the run delivered.
    dice
        Observed, by segment number; None where neither the person nor the network marked the segment.
    is_outlined
        By segment number, whether the person marked it.
    """

    person: str
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


def observe_case(case: OutlinedCase, spec: ModelSpec, *, person: str = "") -> Observation:
    """Run a network over a case, as a worker does, and keep what its gate sees; a case of nobody known is its own.

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
        person=person or case.name,
        marked=count_marked(label_map),
        statistics=statistics,
        histograms=maps[MapKind.UNCERTAINTY].histograms,
        dice={number: measure_dice(label_map.voxels == number, truth) for number, truth in outlined.items()},
        is_outlined={number: bool(truth.any()) for number, truth in outlined.items()},
    )


def fit_gate(recipe: Recipe, spec: ModelSpec, folder: Path, loaded: LoadedSet | None, on_case: OnCase) -> ModelSpec:
    """Return a trained network's entry with its gate, from the parts that were learnt from and tuned on.

    Raises
    ------
    ValueError
        Where there are too few cases.
    """
    here = replace(spec, folder=folder, gate=None)
    observed: dict[Part, list[Observation]] = {Part.TRAIN: [], Part.TUNE: []}
    for part, theirs in observed.items():
        for case in gather_cases(recipe, loaded, part):
            person = "" if loaded is None else loaded.group_of[case.name]
            theirs.append(observe_case(case, here, person=person))
            on_case(f"{part} {case.name}")
    return replace(spec, gate=fit_reference(spec, observed[Part.TRAIN], observed[Part.TUNE]))


def fit_reference(spec: ModelSpec, train: Sequence[Observation], tune: Sequence[Observation]) -> GateReference:
    """Return the gate's reference from cases that were run."""
    if spec.network is None or min(len(train), len(tune)) < _LEAST_CASES:
        raise ValueError(f"A gate needs a network and at least {_LEAST_CASES} cases of each part; take a larger set.")
    both = [*train, *tune]
    people = [each.person for each in both]
    measured = [_only(each) for each in both]
    image = fit_images(measured[0].names, [each.rows for each in measured], people)
    numbers = [segment.segment_number for segment in spec.segments]
    fitted = (_fit_dice(number, train, tune) for number in numbers)
    gate = GateReference(
        weights=tuple(file.sha256 for file in spec.network.weights),
        temperature=spec.temperature,
        image=image,
        dice=tuple(each for each in fitted if each is not None),
        train_cases=len(train),
        tune_cases=len(tune),
        features=_fit_features(measured, people),
    )
    return read_gate(write_gate(gate))  # with the digits that the manifest keeps


def _only(observation: Observation) -> ImageStatistics:
    (statistics,) = observation.statistics
    return statistics


def _fit_features(measured: Sequence[ImageStatistics], people: Sequence[str]) -> ImageReference | None:
    size = measured[0].features.shape[1]
    names = tuple(f"{Aspect.FEATURES}.{number}" for number in range(size))
    return fit_images(names, [each.features for each in measured], people) if size else None


def fit_images(names: tuple[str, ...], rows: Sequence[Rows], people: Sequence[str]) -> ImageReference:
    """Return how cases lay, and how far cases of new people are to be expected from them.

    Distances of cases from a reference that holds them are too small: each case is held against one of other people.

    Parameters
    ----------
    names
        Of the statistics.
    rows
        (sample, statistic) of each case.
    people
        Whose case each is.
    """
    folds = {person: number % _FOLDS for number, person in enumerate(sorted(set(people)))}
    distances = np.zeros(len(rows))
    for fold in set(folds.values()):
        held_out = [number for number, person in enumerate(people) if folds[person] == fold]
        others = [each for each, person in zip(rows, people, strict=True) if folds[person] != fold]
        reference = _draw_reference(names, np.concatenate(others))
        for number in held_out:
            distances[number] = measure_distance(reference, rows[number])
    return replace(
        _draw_reference(names, np.concatenate(rows)), distance=_spread(np.log(np.maximum(distances, _RIDGE)).tolist())
    )


def _draw_reference(names: tuple[str, ...], rows: Rows) -> ImageReference:
    """Return where rows (sample, statistic) lie; not yet how far others may."""
    least = [_LEAST_SCALES.get(aspect_of(name), _LEAST_OTHERS) for name in names]
    centre, spread = rows.mean(axis=0), rows.std(axis=0)
    # what is the same in every case, as the grid of drawn ones, tells nothing of others
    scale = np.where(spread > _SAME, np.maximum(spread, least), _ANY)
    covariance = shrink_covariance((rows - centre) / scale)
    factor = np.linalg.cholesky(np.linalg.inv(covariance))
    return ImageReference(
        names=names,
        centre=tuple(centre.tolist()),
        scale=tuple(scale.tolist()),
        factor=tuple(tuple(row[: number + 1].tolist()) for number, row in enumerate(factor)),
        distance=Spread(0.0, 1.0),
    )


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
    shrunk: Rows = (1.0 - share) * sample + share * target + _RIDGE * np.eye(size)
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
    learnt = [measure_shortfall(plain.predict(implied)) for each in train if (implied := each.imply(number))]
    return replace(plain, shortfall=_widen(_spread(shortfalls), learnt))


def _widen(spread: Spread, learnt: Sequence[float]) -> Spread:
    """Return a spread at least so wide that 99 of 100 of the cases learnt from keep within the limit."""
    if not learnt:
        return spread
    reach = (float(np.quantile(learnt, _USUAL)) - spread.centre) / DEVIATIONS
    return replace(spread, deviation=max(spread.deviation, reach))


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
