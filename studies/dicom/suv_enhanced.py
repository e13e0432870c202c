"""What an Enhanced PET Image says of activity and decay: in modules of its own and in functional groups.

References
----------
DICOM PS3.3 A.56 and C.8.22 (Enhanced PET), C.7.6.16 (functional groups), C.7.6.16.2.11 (real world value mapping);
PS3.16 CID 84 (units of PET, UCUM).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydicom.uid import EnhancedPETImageStorage

from studies.dicom.values import ValueReader

_BECQUEREL_PER_ML = {"Bq/ml": 1.0, "kBq/ml": 1.0e3, "MBq/ml": 1.0e6}
_SUV_BODY_WEIGHT = ("g/ml{SUVbw}", "{SUVbw}g/ml")
_SAME = 1.0e-6
"""Relative difference of factors that is rounding: slopes may be written as decimals of 16 characters."""


@dataclass(frozen=True, slots=True)
class EnhancedScale:
    """From modality values, after each frame's own rescaling, to Bq/mL or, where `is_suv`, to SUVbw."""

    factor: float
    is_suv: bool
    unit: str


def is_enhanced(reader: ValueReader) -> bool:
    """Tell whether an object is an Enhanced PET Image."""
    return reader.uid("SOPClassUID") == EnhancedPETImageStorage


def read_scale(readers: Sequence[ValueReader]) -> EnhancedScale | str:
    """Return the scale that all frames have in common, or in words why there is none."""
    found = [_scale_of(rescaling, mappings) for rescaling, mappings in _frames(readers)]
    if not found or any(scale is None for scale in found):
        return "No frame may lack a mapping to Bq/mL or SUVbw that is a mere factor; at least one does."
    scales = [scale for scale in found if scale is not None]
    first = scales[0]
    if any(scale.unit != first.unit or not _is_same(scale.factor, first.factor) for scale in scales):
        return "The frames are mapped to activity by different factors."
    return first


def _frames(readers: Sequence[ValueReader]) -> Iterator[tuple[ValueReader, list[ValueReader]]]:
    """Yield for each frame where its rescaling stands, and its mappings."""
    for reader in readers:
        shared = [reader.within(item) for item in reader.items("SharedFunctionalGroupsSequence")][:1]
        own = [reader.within(item) for item in reader.items("PerFrameFunctionalGroupsSequence")]
        for frame in own:
            rescaling = _nearest("PixelValueTransformationSequence", frame, *shared)
            mappings = _nearest("RealWorldValueMappingSequence", frame, *shared)
            yield (rescaling or [reader])[0], mappings


def _nearest(keyword: str, *groups: ValueReader) -> list[ValueReader]:
    for group in groups:
        items = group.items(keyword)
        if items:
            return [group.within(item) for item in items]
    return []


def _scale_of(rescaling: ValueReader, mappings: Sequence[ValueReader]) -> EnhancedScale | None:
    """Return the first mapping to activity, else the first to SUVbw; one that also shifts values is none."""
    slope, intercept = rescaling.number("RescaleSlope"), rescaling.number("RescaleIntercept") or 0.0
    if not slope:
        return None
    scales = []
    for mapping in mappings:
        unit = _unit(mapping)
        to_value, offset = mapping.number("RealWorldValueSlope"), mapping.number("RealWorldValueIntercept")
        if unit not in (*_BECQUEREL_PER_ML, *_SUV_BODY_WEIGHT) or not to_value or offset is None:
            continue
        factor = to_value / slope
        is_mere_factor = factor > 0 and math.isclose(offset, factor * intercept, rel_tol=_SAME, abs_tol=_SAME)
        if is_mere_factor:
            scales.append(EnhancedScale(factor * _BECQUEREL_PER_ML.get(unit, 1.0), unit in _SUV_BODY_WEIGHT, unit))
    return min(scales, key=lambda scale: scale.is_suv, default=None)


def _unit(mapping: ValueReader) -> str:
    codes = mapping.items("MeasurementUnitsCodeSequence")
    return mapping.within(codes[0]).text("CodeValue") if codes else ""


def _is_same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_SAME)
