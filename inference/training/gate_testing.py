"""What a fitted quality gate does with cases that decided nothing: as they are, and made unfit in every known way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from inference.evaluation.cases import OutlinedCase
from inference.evidence import GATE_FILE
from inference.gate_reference import DEVIATIONS, LEAST_DICE, GateReference, measure_shortfall
from inference.model_spec import ModelSpec
from inference.pipeline.gate import GateOutcome, measure_distance
from inference.pipeline.manifest import read_provenance, write_manifest
from inference.training.gate_fitting import Observation, OnCase, fit_gate, gather_cases, observe_case
from inference.training.outlined import LoadedSet, Part
from inference.training.recipes import Recipe
from inference.training.spoiling import KINDS, spoil
from studies.errors import DomainError

_FALSE_ALARMS = (0.01, 0.05)
_MOST_SPOILED = 50
"""Cases that are spoiled in every way, evenly spaced: each costs as many runs as there are ways."""
_SEED = 20261123
_CERTAIN = 99.0
"""The score of what the gate turns away by a rule and not by degree."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A case that was put before the gate.

    Attributes
    ----------
    outcome
        What the gate said; None where the image was refused before the network.
    codes
        Why.
    score
        By how many deviations the worst of the scores is off: one number that any limit can be drawn through.
    dice, predicted
        Mean over segments, observed and predicted; None where there is none.
    without_features
        What a gate says that does not know the network's features; None where the image was refused.
    """

    outcome: GateOutcome | None
    codes: tuple[str, ...]
    score: float
    dice: float | None
    predicted: float | None
    without_features: GateOutcome | None

    @property
    def is_turned_away(self) -> bool:
        """Whether the gate, or the network's own checks, did not let it pass."""
        return self.outcome is not GateOutcome.PASSED

    @property
    def is_turned_away_without_features(self) -> bool:
        """Whether it would not have passed by the image's statistics and the predicted Dice alone."""
        return self.without_features is not GateOutcome.PASSED


def fit_and_test(recipe: Recipe, spec: ModelSpec, folder: Path, loaded: LoadedSet | None, on_case: OnCase) -> Report:
    """Fit a trained network's gate, write it to the manifest, and what it does beside the weights."""
    judged = fit_gate(recipe, spec, folder, loaded, on_case)
    manifest = folder / f"{spec.name}.json"
    write_manifest(manifest, judged, provenance=read_provenance(manifest))
    cases = gather_cases(recipe, loaded, Part.VALIDATE)
    report = describe_trials(judged, _try_all(replace(judged, folder=folder), cases, on_case))
    target = folder / spec.name / GATE_FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


Report = dict[str, Any]


def _try_all(spec: ModelSpec, cases: Sequence[OutlinedCase], on_case: OnCase) -> Mapping[str, list[Tried]]:
    """Return what the gate does with each case, by how it was spoiled; "" for cases as they are."""
    tried: dict[str, list[Tried]] = {kind: [] for kind in ("", *KINDS)}
    step = -(-len(cases) // _MOST_SPOILED)
    for number, case in enumerate(cases):
        tried[""].append(try_case(case, spec, has_truth=True))
        for branch, kind in enumerate(KINDS if number % step == 0 else ()):
            spoiled = spoil(case, kind, np.random.default_rng((_SEED, number, branch)))
            tried[kind].append(try_case(spoiled.case, spec, has_truth=spoiled.has_truth))
        on_case(f"{Part.VALIDATE} {case.name}")
    return tried


def try_case(case: OutlinedCase, spec: ModelSpec, *, has_truth: bool) -> Tried:
    """Run a case and put it before the gate."""
    try:
        observed = observe_case(case, spec)
    except DomainError as error:
        return Tried(None, (error.code,), _CERTAIN, None, None, None)
    verdict = observed.judge(spec)
    predicted = list(verdict.predicted_dice.values())
    return Tried(
        outcome=verdict.outcome,
        codes=tuple(str(reason.code) for reason in verdict.reasons),
        score=_score(spec, observed),
        dice=observed.mean_dice if has_truth else None,
        predicted=float(np.mean(predicted)) if predicted else None,
        without_features=observed.judge(replace(spec, gate=replace(spec.gate, features=None))).outcome
        if spec.gate
        else None,
    )


def _score(spec: ModelSpec, observed: Observation) -> float:
    gate = spec.gate
    if gate is None:
        raise ValueError(f"{spec.name} has no gate.")
    image = observed.statistics[0]
    if image.is_constant:
        return _CERTAIN
    off = [gate.image.score(measure_distance(gate.image, image.rows))]
    if gate.features is not None:
        off.append(gate.features.score(measure_distance(gate.features, image.features)))
    return min(_CERTAIN, max(off + _score_segments(gate, observed)))


def _score_segments(gate: GateReference, observed: Observation) -> list[float]:
    scores = []
    for each in gate.dice:
        implied = observed.imply(each.segment_number)
        if implied is not None:
            lacks = measure_shortfall(each.predict(implied)) - each.shortfall.centre
            scores.append(lacks / each.shortfall.deviation)
        elif each.is_always_there:
            scores.append(_CERTAIN)
    return scores


def describe_trials(spec: ModelSpec, tried: Mapping[str, Sequence[Tried]]) -> Report:
    """Return what is told of a gate: the cases as they are, each way to spoil them, and the abstention curve."""
    clean = tried[""]
    good = [each for each in clean if each.dice is None or each.dice >= LEAST_DICE]
    limits = {share: float(np.quantile([each.score for each in good], 1.0 - share)) for share in _FALSE_ALARMS}
    return {
        "train_cases": spec.gate.train_cases if spec.gate else 0,
        "tune_cases": spec.gate.tune_cases if spec.gate else 0,
        "deviations": DEVIATIONS,
        "least_dice": LEAST_DICE,
        "cases": len(clean),
        "good_cases": len(good),
        "turned_away": sum(each.is_turned_away for each in clean),
        "turned_away_good": sum(each.is_turned_away for each in good),
        "turned_away_good_without_features": sum(each.is_turned_away_without_features for each in good),
        "turned_away_bad": sum(each.is_turned_away for each in clean) - sum(each.is_turned_away for each in good),
        "prediction_error": _mean_error(clean),
        "kinds": [_describe_kind(kind, tried[kind], limits) for kind in KINDS],
        "curve": draw_abstention(clean),
    }


def _mean_error(tried: Sequence[Tried]) -> float | None:
    """Return the mean absolute difference of predicted and observed Dice."""
    errors = [abs(each.predicted - each.dice) for each in tried if each.predicted is not None and each.dice is not None]
    return round(float(np.mean(errors)), 4) if errors else None


def _describe_kind(kind: str, tried: Sequence[Tried], limits: Mapping[float, float]) -> dict[str, Any]:
    known = [each.dice for each in tried if each.dice is not None]
    codes = Counter(code for each in tried for code in each.codes)
    return {
        "kind": kind,
        "cases": len(tried),
        "mean_dice": round(float(np.mean(known)), 4) if known else None,
        "turned_away": sum(each.is_turned_away for each in tried),
        "turned_away_without_features": sum(each.is_turned_away_without_features for each in tried),
        "turned_away_at": {
            f"{share:g}": sum(each.score > limit for each in tried) / len(tried) for share, limit in limits.items()
        },
        "codes": dict(codes.most_common()),
    }


def draw_abstention(tried: Sequence[Tried]) -> list[dict[str, float]]:
    """Return the mean Dice of the cases kept when those of the lowest predicted Dice are left out, one by one."""
    known = [(each.predicted or 0.0, each.dice) for each in tried if each.dice is not None]
    dice = [observed for _, observed in sorted(known, key=lambda pair: pair[0])]
    most = len(dice) // 2
    return [
        {"abstained": round(left / len(dice), 4), "mean_dice": round(float(np.mean(dice[left:])), 4)}
        for left in range(most + 1)
    ]
