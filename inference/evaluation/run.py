"""A model over outlined cases, through the pipeline that clinicians use, with a simple method beside it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inference.evaluation.baselines import Baseline
from inference.evaluation.cases import OutlinedCase, Truth
from inference.evaluation.metrics import Agreement, measure_agreement
from inference.evaluation.wish import SegmentMap
from inference.model_spec import ModelSpec, OnProgress, Parameters, Progress
from inference.pipeline.segment import segment

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CaseScore:
    """One segment of one case.

    Attributes
    ----------
    agreement, baseline
        Of the model, and of the simple method; None where there is none for this segment.
    seconds
        Of the model over the whole case.
    facts
        What headers tell of the image.
    has_spacing
        Whether lengths and volumes are in mm and mL; else in pixels and 1000 pixels.
    """

    case: str
    segment_number: int
    segment_label: str
    agreement: Agreement
    baseline: Agreement | None
    seconds: float
    facts: Mapping[str, str]
    has_spacing: bool


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A case with its scores and both label maps, for whoever draws them."""

    case: OutlinedCase
    found: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
    scores: tuple[CaseScore, ...]


def match_segments(spec: ModelSpec, truth: Truth, stated: SegmentMap | None = None) -> SegmentMap:
    """Return which outlined numbers count as which of the model's segments.

    Without a statement equal numbers are the same structure; a model of one segment is held against everything that is
    outlined.
    """
    if stated is not None:
        return stated
    known = [int(number) for number in np.unique(truth) if number]
    if len(spec.segments) == 1:
        return {spec.segments[0].segment_number: tuple(known) or (1,)}
    return {segment.segment_number: (segment.segment_number,) for segment in spec.segments}


def _ignore(progress: Progress) -> None:
    """Nobody watches this run window by window."""


def evaluate_case(
    case: OutlinedCase,
    spec: ModelSpec,
    segments: SegmentMap,
    *,
    parameters: Parameters,
    baseline: Baseline | None,
    on_progress: OnProgress = _ignore,
) -> Evaluated:
    """Run a model over one case and compare each segment with its outline."""
    channels = case.colours if spec.reads_colours else ()
    began = time.perf_counter()
    found = segment(case.image, spec, on_progress, parameters=parameters, channels=channels).voxels
    seconds = time.perf_counter() - began
    labels = {each.segment_number: each.segment_label for each in spec.segments}
    scores = []
    for number, outlined in segments.items():
        truth = np.isin(case.truth, outlined)
        simple = None if baseline is None else baseline(case, truth, outlined[0])
        scores.append(
            CaseScore(
                case=case.name,
                segment_number=number,
                segment_label=labels[number],
                agreement=measure_agreement(found == number, truth, case.image.geometry.spacing_mm),
                baseline=None if simple is None else measure_agreement(simple, truth, case.image.geometry.spacing_mm),
                seconds=seconds,
                facts=case.facts,
                has_spacing=case.has_spacing,
            )
        )
    return Evaluated(case, found, tuple(scores))
