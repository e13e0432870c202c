"""Bringing a trained network's probabilities to what is observed, and judging that on cases which decided nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from inference.calibration import (
    Calibration,
    IntervalBasis,
    Reliability,
    VolumeMargin,
    expect_voxels,
    find_interval,
    fit_margin,
    measure_reliability,
)
from inference.evaluation.cases import OutlinedCase
from inference.evidence import EVALUATION_FILE
from inference.model_spec import ModelSpec, Progress
from inference.pipeline.answers import gather_answers
from inference.pipeline.job_maps import MapKind, gather_maps
from inference.pipeline.manifest import read_provenance, write_manifest
from inference.pipeline.segment import segment
from inference.training.card import write_outlined_card
from inference.training.outlined import LoadedSet, Part
from inference.training.recipes import Recipe

_MOST_VOXELS = 20_000
"""Of one case: enough for a temperature, and little enough for hundreds of cases in memory."""
_MARGIN = 0.1
"""Share by which the box about what is outlined or found is widened to either side."""
_LARGEST_FACTOR = 8.0
_SEED = 20261123

Logits = npt.NDArray[np.float32]
Truth = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Observed:
    """One case's answer beside its outline.

    Attributes
    ----------
    name
        Of the case.
    logits, truth
        Of voxels drawn from the box about what is outlined or found: (class, voxel) and (voxel,). Elsewhere all is
        background, and any network is right.
    histograms
        By segment number, as `pipeline.job_maps.FoundMap` has them.
    outlined
        Voxels of each segment in the outline.
    slices
        Of the image.
    """

    name: str
    logits: Logits
    truth: Truth
    histograms: dict[int, list[int]]
    outlined: dict[int, int]
    slices: int


def observe_cases(
    cases: Sequence[OutlinedCase], spec: ModelSpec, unsure: Sequence[int], on_case: Callable[[], None]
) -> Iterator[Observed]:
    """Run a network over outlined cases and keep what calibration needs.

    Parameters
    ----------
    cases
        Of the network's own set: equal numbers are the same structure.
    spec
        The network; its calibration decides the histograms.
    unsure
        Numbers in the outlines of what nobody is sure about; those voxels count for nothing.
    on_case
        Called after each.
    """
    for number, case in enumerate(cases):
        channels = case.colours if spec.network is not None and spec.network.reads_colours else ()
        with gather_maps() as maps, gather_answers() as answers:
            found = segment(case.image, spec, _ignore, parameters={}, channels=channels).voxels
        logits, truth = _draw_voxels(answers[-1], case.truth, found, unsure, np.random.default_rng([_SEED, number]))
        yield Observed(
            name=case.name,
            logits=logits,
            truth=truth,
            histograms=maps[MapKind.UNCERTAINTY].histograms,
            outlined={s.segment_number: int((case.truth == s.segment_number).sum()) for s in spec.segments},
            slices=case.image.geometry.shape[0],
        )
        on_case()


def _draw_voxels(
    logits: npt.NDArray[np.float16],
    truth: Truth,
    found: npt.NDArray[np.generic],
    unsure: Sequence[int],
    rng: np.random.Generator,
) -> tuple[Logits, Truth]:
    box = find_judged_box((truth != 0) | (found != 0))
    inside, outlined = logits[(slice(None), *box)].reshape(len(logits), -1), truth[box].ravel()
    sure = np.flatnonzero(~np.isin(outlined, unsure))
    drawn = rng.choice(sure, min(len(sure), _MOST_VOXELS), replace=False)
    return inside[:, drawn].astype(np.float32), outlined[drawn].astype(np.uint8)


def find_judged_box(marked: npt.NDArray[np.bool_]) -> tuple[slice, ...]:
    """Return the box about all that is marked, widened; the whole image where nothing is."""
    if not marked.any():
        return tuple(slice(0, n) for n in marked.shape)
    box = []
    for axis, n in enumerate(marked.shape):
        others = tuple(other for other in range(marked.ndim) if other != axis)
        places = np.flatnonzero(marked.any(axis=others))
        first, last = int(places[0]), int(places[-1]) + 1
        widened = round(_MARGIN * (last - first))
        box.append(slice(max(first - widened, 0), min(last + widened, n)))
    return tuple(box)


def fit_temperature(observed: Sequence[Observed]) -> float:
    """Return the temperature with the least mean negative logarithm of the right label's probability, a case a vote."""

    def measure(log_temperature: float) -> float:
        return float(np.mean([_measure_surprise(each, np.exp(log_temperature)) for each in observed]))

    reach = np.log(_LARGEST_FACTOR)
    return float(np.exp(minimize_scalar(measure, bounds=(-reach, reach), method="bounded").x))


def _measure_surprise(observed: Observed, temperature: float) -> float:
    if not len(observed.truth):
        return 0.0
    logarithms = log_softmax(observed.logits / np.float32(temperature), axis=0)
    return float(-logarithms[observed.truth, np.arange(len(observed.truth))].mean())


def fit_calibration(
    loaded: LoadedSet, spec: ModelSpec, unsure: Sequence[int], on_case: Callable[[], None]
) -> Calibration:
    """Return temperature and volume margins of a network.

    The temperature is fitted to cases that it did not learn from; for margins, which take many people, those it learnt
    from join them. Cases are run twice, for margins are those of calibrated probabilities.
    """
    tune = loaded.cases[Part.TUNE]
    observed = list(observe_cases(tune, replace(spec, calibration=None), unsure, on_case))
    is_of_single_images = all(each.slices == 1 for each in observed)
    calibration = Calibration(fit_temperature(observed), len(observed), is_of_single_images)
    calibrated = replace(spec, calibration=calibration)
    again = list(observe_cases(tune, calibrated, unsure, on_case))
    learnt = list(observe_cases(loaded.cases[Part.TRAIN], calibrated, unsure, on_case))
    numbers = (each.segment_number for each in spec.segments)
    margins = {number: _fit_margin(number, again, learnt, loaded.group_of) for number in numbers}
    return replace(calibration, margins={number: margin for number, margin in margins.items() if margin is not None})


def _fit_margin(
    number: int, tuned: Sequence[Observed], learnt: Sequence[Observed], group_of: Mapping[str, str]
) -> VolumeMargin | None:
    """Return a segment's margin by people, None with too few cases.

    Never narrower than the cases tuned on alone ask for: on what it learnt from a network may be better than it is.
    """

    def fit(cases: Sequence[Observed], people: Sequence[str]) -> VolumeMargin | None:
        expected = [expect_voxels(each.histograms[number]) for each in cases]
        return fit_margin(expected, [each.outlined[number] for each in cases], people)

    every = [*tuned, *learnt]
    margin = fit(every, [group_of[each.name] for each in every])
    least = fit(tuned, [each.name for each in tuned])
    if margin is None or least is None:
        return None
    return replace(margin, low=min(margin.low, least.low), high=max(margin.high, least.high))


def judge_calibration(
    cases: Sequence[OutlinedCase], spec: ModelSpec, unsure: Sequence[int], on_case: Callable[[], None]
) -> dict[str, Any]:
    """Return, as plain values, how a calibrated network does on cases that decided nothing.

    Reliability before and after, and for each segment the share of outlined volumes within their interval.
    """
    calibration = spec.calibration
    if calibration is None:
        raise ValueError(f"{spec.name} is not calibrated.")
    observed = list(observe_cases(cases, spec, unsure, on_case))
    return {
        "temperature": calibration.temperature,
        "fitted_on": calibration.cases,
        "judged_on": len(observed),
        "before": _describe(_measure_reliability(observed, 1.0)),
        "after": _describe(_measure_reliability(observed, calibration.temperature)),
        "intervals": [
            {"segment_label": each.segment_label} | _judge_intervals(observed, calibration, each.segment_number)
            for each in spec.segments
        ],
    }


def calibrate_shipped(
    recipe: Recipe, spec: ModelSpec, folder: Path, loaded: LoadedSet, on_case: Callable[[], None]
) -> dict[str, Any]:
    """Calibrate a network whose weights, manifest and figures lie in a folder; add it to all three, and return it.

    Fitted on the part that decides, judged on the part that is reported.
    """
    manifest, figures = folder / f"{spec.name}.json", folder / spec.name / EVALUATION_FILE
    here = replace(spec, folder=folder)
    calibration = fit_calibration(loaded, here, recipe.unsure, on_case)
    judged = judge_calibration(
        loaded.cases[Part.VALIDATE], replace(here, calibration=calibration), recipe.unsure, on_case
    )
    write_manifest(manifest, replace(spec, calibration=calibration), provenance=read_provenance(manifest))
    content = json.loads(figures.read_text(encoding="utf-8")) | {"calibration": judged}
    figures.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (folder / f"{spec.name}.md").write_text(write_outlined_card(recipe, folder / spec.name), encoding="utf-8")
    return judged


def _judge_intervals(observed: Sequence[Observed], calibration: Calibration, number: int) -> dict[str, Any]:
    within = []
    widths = []
    for each in observed:
        found = find_interval(each.histograms[number], 1.0, calibration, segment=number, slices=each.slices)
        if found.basis is IntervalBasis.CONFORMAL and each.outlined[number] > 0:
            within.append(found.low <= each.outlined[number] <= found.high)
            widths.append((found.high - found.low) / found.expected)
    margin = calibration.margins.get(number)
    return {
        "fitted_on": 0 if margin is None else margin.cases,
        "people": 0 if margin is None else margin.people,
        "judged_on": len(within),
        "within": int(sum(within)),
        "median_width": float(np.median(widths)) if widths else None,
    }


def _measure_reliability(observed: Sequence[Observed], temperature: float) -> Reliability:
    stated, right, weights = [], [], []
    for each in observed:
        if not len(each.truth):
            continue
        shares = np.exp(log_softmax(each.logits / np.float32(temperature), axis=0))
        best = shares.argmax(axis=0)
        stated.append(shares.max(axis=0).astype(np.float64))
        right.append(best == each.truth)
        weights.append(np.full(len(each.truth), 1.0 / len(each.truth)))  # a case a vote
    return measure_reliability(np.concatenate(stated), np.concatenate(right), np.concatenate(weights))


def _describe(reliability: Reliability) -> dict[str, Any]:
    def shorten(values: Sequence[float | None]) -> list[float | None]:
        return [None if value is None else round(value, 4) for value in values]

    return {
        "error": round(reliability.error, 4),
        "shares": shorten(reliability.shares),
        "stated": shorten(reliability.stated),
        "observed": shorten(reliability.observed),
    }


def _ignore(progress: Progress) -> None:
    """Nobody watches."""
