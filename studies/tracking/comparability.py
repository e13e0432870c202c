"""Whether two dates were imaged alike enough to be compared.

Each aspect gives nothing where both dates agree, a mismatch where they differ, and a note where a header does not say.
A mismatch lowers confidence or makes the comparison not evaluable; it says for which measurements.

1. cmp.modality: another modality is not comparable.
2. cmp.weighting: T1, T2, FLAIR, diffusion and their kind show different things; not comparable.
3. cmp.contrast: in MR on T1 enhancement is there or not: not comparable. In CT it lowers confidence.
4. cmp.plane: planes more than 20 degrees apart cut a lesion differently: its diameters are not comparable.
5. cmp.slice.coarse: a lesion below twice the slice is not measurable (R11.MEAS.SLICE).
6. cmp.tracer, cmp.uptake, cmp.suv: another tracer, more than 15 minutes of difference in uptake time (PERCIST), or a
   date without SUV: uptake is not comparable.
7. cmp.phase, cmp.kernel, cmp.slice.differs, cmp.field, cmp.scanner, cmp.region: lower confidence.

References: criteria specification, sections 1, 4 and 5; Wahl 2009 and PMC4377159 (PERCIST, uptake time and scanner).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from studies.tracking.acquisition_facts import AcquisitionFacts, Weighting
from studies.tracking.timeline import MOST_PLANE_DEGREES

MOST_UPTAKE_DIFFERENCE_MIN = 15.0
SLICES_PER_LESION = 2.0
MOST_SLICE_RATIO = 1.5
MOST_FIELD_DIFFERENCE_T = 0.3


class Severity(StrEnum):
    """How much a mismatch weighs."""

    LOWERS_CONFIDENCE = "lowers_confidence"
    NOT_EVALUABLE = "not_evaluable"


class Concern(StrEnum):
    """Which measurements a mismatch is about."""

    EVERYTHING = "everything"
    DIAMETERS = "diameters"
    UPTAKE = "uptake"


class MismatchCode(StrEnum):
    """What differs; the codes never change."""

    MODALITY = "cmp.modality"
    WEIGHTING = "cmp.weighting"
    CONTRAST = "cmp.contrast"
    PHASE = "cmp.phase"
    PLANE = "cmp.plane"
    COARSE_SLICES = "cmp.slice.coarse"
    OTHER_SLICES = "cmp.slice.differs"
    KERNEL = "cmp.kernel"
    FIELD = "cmp.field"
    SCANNER = "cmp.scanner"
    TRACER = "cmp.tracer"
    UPTAKE = "cmp.uptake"
    SUV = "cmp.suv"
    REGION = "cmp.region"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that differs between two dates."""

    code: MismatchCode
    sentence: str
    severity: Severity
    concern: Concern = Concern.EVERYTHING


@dataclass(frozen=True, slots=True)
class Comparability:
    """What differs, the weightiest first, and what is not known.

    Attributes
    ----------
    notes
        One sentence for each aspect that a header leaves open.
    """

    mismatches: tuple[Mismatch, ...]
    notes: tuple[str, ...]

    def is_evaluable(self, concern: Concern = Concern.EVERYTHING) -> bool:
        """Tell whether measurements of this kind may be compared."""
        return not any(
            each.severity is Severity.NOT_EVALUABLE and each.concern in (Concern.EVERYTHING, concern)
            for each in self.mismatches
        )

    @property
    def is_confidence_lowered(self) -> bool:
        """Whether anything differs."""
        return bool(self.mismatches)


Found = Mismatch | str | None
Check = Callable[[AcquisitionFacts, AcquisitionFacts], Found]


def compare_acquisitions(
    baseline: AcquisitionFacts, current: AcquisitionFacts, *, smallest_lesion_mm: float | None = None
) -> Comparability:
    """Compare how two dates were imaged.

    Parameters
    ----------
    smallest_lesion_mm
        Longest diameter of the smallest lesion that is compared; None where there is none.
    """
    if baseline.modality != current.modality:
        sentence = f"The baseline is {baseline.modality}, this date is {current.modality}."
        return Comparability((Mismatch(MismatchCode.MODALITY, sentence, Severity.NOT_EVALUABLE),), ())
    found: list[Found] = [check(baseline, current) for check in (*_ALWAYS, *_BY_MODALITY.get(current.modality, ()))]
    found += [_check_coarse(baseline, current, smallest_lesion_mm)]
    mismatches = [each for each in found if isinstance(each, Mismatch)]
    return Comparability(
        tuple(sorted(mismatches, key=lambda each: each.severity is not Severity.NOT_EVALUABLE)),
        tuple(each for each in found if isinstance(each, str)),
    )


def _unknown(name: str, baseline: object, current: object) -> str | None:
    """Say whose header leaves an aspect open; None where both say."""
    silent = [said for said, value in (("the baseline", baseline), ("this date", current)) if value in (None, "")]
    if not silent:
        return None
    return f"{name} unknown, because the header of {' and of '.join(silent)} does not say."


def _check_weighting(baseline: AcquisitionFacts, current: AcquisitionFacts) -> Found:
    then, now = baseline.weighting, current.weighting
    if then is None or now is None:
        return _unknown("MR weighting", then, now)
    if then is now:
        return None
    return Mismatch(MismatchCode.WEIGHTING, f"{then} at baseline, {now} now.", Severity.NOT_EVALUABLE)


def _check_contrast(baseline: AcquisitionFacts, current: AcquisitionFacts) -> Found:
    then, now = baseline.has_contrast, current.has_contrast
    if then is None or now is None:
        return _unknown("Contrast agent", then, now)
    if then == now:
        return None
    is_decisive = current.modality == "MR" and Weighting.T1 in (baseline.weighting, current.weighting)
    sentence = f"{'With' if then else 'Without'} contrast agent at baseline, {'with' if now else 'without'} now."
    severity = Severity.NOT_EVALUABLE if is_decisive else Severity.LOWERS_CONFIDENCE
    return Mismatch(MismatchCode.CONTRAST, sentence, severity)


def _check_phase(baseline: AcquisitionFacts, current: AcquisitionFacts) -> Found:
    then, now = baseline.phase, current.phase
    if baseline.has_contrast is False and current.has_contrast is False:
        return None
    if then is None or now is None:
        return _unknown("Contrast phase", then, now)
    if then is now:
        return None
    return Mismatch(MismatchCode.PHASE, f"Phase {then} at baseline, {now} now.", Severity.LOWERS_CONFIDENCE)


def _check_kernel(baseline: AcquisitionFacts, current: AcquisitionFacts) -> Found:
    then, now = baseline.kernel, current.kernel
    if not then or not now:
        return _unknown("Convolution kernel", then, now)
    if then.upper() == now.upper():
        return None
    return Mismatch(MismatchCode.KERNEL, f"Kernel {then} at baseline, {now} now.", Severity.LOWERS_CONFIDENCE)


def _check_plane(baseline: AcquisitionFacts, current: AcquisitionFacts) -> Found:
    then, now = baseline.plane_normal, current.plane_normal
    if then is None or now is None:
        return _unknown("Image plane", then, now)
    cosine = abs(float(np.dot(then, now))) / float(np.linalg.norm(then) * np.linalg.norm(now))
    degrees = float(np.degrees(np.arccos(min(1.0, cosine))))
    if degrees <= MOST_PLANE_DEGREES:
        return None
    sentence = f"The image planes are {degrees:.0f} degrees apart: diameters are not comparable, volumes are."
    return Mismatch(MismatchCode.PLANE, sentence, Severity.NOT_EVALUABLE, Concern.DIAMETERS)


def _check_slices(baseline: AcquisitionFacts, current: AcquisitionFacts) -> Found:
    then, now = baseline.slice_mm, current.slice_mm
    if then is None or now is None:
        return _unknown("Slice thickness", then, now)
    if max(then, now) <= MOST_SLICE_RATIO * min(then, now):
        return None
    sentence = f"Slices of {then:g} mm at baseline, of {now:g} mm now."
    return Mismatch(MismatchCode.OTHER_SLICES, sentence, Severity.LOWERS_CONFIDENCE)


def _check_coarse(baseline: AcquisitionFacts, current: AcquisitionFacts, lesion_mm: float | None) -> Found:
    known = [each for each in (baseline.slice_mm, current.slice_mm) if each is not None]
    if lesion_mm is None or not known or lesion_mm >= SLICES_PER_LESION * max(known):
        return None
    sentence = f"A lesion of {lesion_mm:g} mm is below twice the slice of {max(known):g} mm: not measurable there."
    return Mismatch(MismatchCode.COARSE_SLICES, sentence, Severity.NOT_EVALUABLE)


def _check_field(baseline: AcquisitionFacts, current: AcquisitionFacts) -> Found:
    then, now = baseline.field_strength_t, current.field_strength_t
    if then is None or now is None:
        return _unknown("Field strength", then, now)
    if abs(then - now) <= MOST_FIELD_DIFFERENCE_T:
        return None
    return Mismatch(MismatchCode.FIELD, f"{then:g} T at baseline, {now:g} T now.", Severity.LOWERS_CONFIDENCE)


def _check_scanner(baseline: AcquisitionFacts, current: AcquisitionFacts) -> Found:
    then, now = (f"{each.manufacturer} {each.model}".strip() for each in (baseline, current))
    if not then or not now:
        return _unknown("Scanner", then, now)
    if then.upper() == now.upper():
        return None
    return Mismatch(MismatchCode.SCANNER, f"Scanner {then} at baseline, {now} now.", Severity.LOWERS_CONFIDENCE)


def _check_region(baseline: AcquisitionFacts, current: AcquisitionFacts) -> Found:
    then, now = baseline.body_region, current.body_region
    if not then or not now:
        return _unknown("Body region", then, now)
    if then.upper() == now.upper():
        return None
    return Mismatch(MismatchCode.REGION, f"Region {then} at baseline, {now} now.", Severity.LOWERS_CONFIDENCE)


def _check_tracer(baseline: AcquisitionFacts, current: AcquisitionFacts) -> Found:
    then, now = baseline.tracer, current.tracer
    if not then or not now:
        return _unknown("Tracer", then, now)
    if _plain_tracer(then) == _plain_tracer(now):
        return None
    sentence = f"Tracer {then} at baseline, {now} now."
    return Mismatch(MismatchCode.TRACER, sentence, Severity.NOT_EVALUABLE, Concern.UPTAKE)


def _plain_tracer(name: str) -> str:
    """Return a tracer's name so that the many ways to write the commonest one are one."""
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return "fdg" if "fdg" in plain or "deoxyglucose" in plain or "desoxyglucose" in plain else plain


def _check_uptake(baseline: AcquisitionFacts, current: AcquisitionFacts) -> Found:
    then, now = baseline.uptake_min, current.uptake_min
    if then is None or now is None:
        return _unknown("Uptake time", then, now)
    if abs(then - now) <= MOST_UPTAKE_DIFFERENCE_MIN:
        return None
    sentence = (
        f"Uptake time {then:.0f} min at baseline, {now:.0f} min now: more than {MOST_UPTAKE_DIFFERENCE_MIN:.0f} min of "
        "difference."
    )
    return Mismatch(MismatchCode.UPTAKE, sentence, Severity.NOT_EVALUABLE, Concern.UPTAKE)


def _check_suv(baseline: AcquisitionFacts, current: AcquisitionFacts) -> Found:
    problems = [
        f"{said}: {each.suv_problem}"
        for said, each in (("baseline", baseline), ("this date", current))
        if each.suv_problem
    ]
    if not problems:
        return None
    sentence = f"No standardised uptake value ({'; '.join(problems)})"
    return Mismatch(MismatchCode.SUV, sentence, Severity.NOT_EVALUABLE, Concern.UPTAKE)


_ALWAYS: tuple[Check, ...] = (_check_plane, _check_slices, _check_scanner, _check_region)
_BY_MODALITY: dict[str, tuple[Check, ...]] = {
    "CT": (_check_contrast, _check_phase, _check_kernel),
    "MR": (_check_weighting, _check_contrast, _check_field),
    "PT": (_check_tracer, _check_uptake, _check_suv),
}
