"""Whether a lesion can be measured, and so chosen as a target.

RECIST 1.1 (and what follows its baseline rules), in this order:

1. R11.MEAS.TYPE: leptomeningeal disease, ascites, effusions, inflammatory breast disease, lymphangitic spread, blastic
   bone lesions and masses found by palpation are never measurable; a lytic or mixed bone lesion only through a
   soft-tissue part.
2. R11.MEAS.RT: a lesion treated locally before is not measurable, unless it progressed since.
3. R11.MEAS.NODE: a node from 15 mm short axis is measurable, from 10 mm it is pathological (non-target), below it is
   normal.
4. R11.MEAS.METHOD: chest X-ray needs 20 mm, calipers 10 mm; ultrasound does not measure.
5. R11.MEAS.SLICE: CT and MRI need 10 mm, with slices above 5 mm twice the slice thickness.

Brain:

1. RN.MEAS: both diameters from 10 mm (twice the thickness of slices above 5 mm), seen on at least two slices.
2. BM.MEAS: longest diameter from 10 mm (likewise), perpendicular from 5 mm.

References: Eisenhauer 2009, section 3.1; Wen 2010; Lin 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from studies.tracking.criteria.exact import exact_or_none, plain
from studies.tracking.criteria.inputs import LesionKind
from studies.tracking.criteria.verdict import Clause

_SMALLEST_MM = Decimal(10)
_NODE_TARGET_MM, _NODE_NORMAL_MM = Decimal(15), Decimal(10)
_XRAY_MM = Decimal(20)
_PERPENDICULAR_MM = Decimal(5)
_THIN_SLICE_MM = Decimal(5)
_LEAST_SLICES = 2


class Measurability(StrEnum):
    """What a lesion can be at baseline."""

    MEASURABLE = "measurable"
    NON_MEASURABLE = "non_measurable"
    NON_TARGET_PATHOLOGICAL = "non_target_pathological"
    NORMAL = "normal"
    UNKNOWN = "unknown"


class Scheme(StrEnum):
    """Whose baseline rules apply."""

    RECIST = "RECIST"
    RANO = "RANO"
    RANO_BM = "RANO_BM"


class Method(StrEnum):
    """How the lesion was measured."""

    CT = "CT"
    MRI = "MRI"
    CALIPERS = "CALIPERS"
    CHEST_XRAY = "CXR"
    ULTRASOUND = "US"


class FindingType(StrEnum):
    """Findings with rules of their own; everything else is a mass."""

    MASS = "mass"
    LEPTOMENINGEAL = "leptomeningeal"
    ASCITES = "ascites"
    EFFUSION = "effusion"
    INFLAMMATORY_BREAST = "inflammatory_breast"
    LYMPHANGITIC = "lymphangitic"
    BLASTIC_BONE = "blastic_bone"
    PALPABLE_MASS = "palpable_mass"
    LYTIC_BONE = "lytic_bone"
    CYST = "cyst"


_NEVER = frozenset(
    {
        FindingType.LEPTOMENINGEAL,
        FindingType.ASCITES,
        FindingType.EFFUSION,
        FindingType.INFLAMMATORY_BREAST,
        FindingType.LYMPHANGITIC,
        FindingType.BLASTIC_BONE,
        FindingType.PALPABLE_MASS,
        FindingType.CYST,
    }
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lesion at baseline, with what decides whether it can be measured."""

    kind: LesionKind = LesionKind.NON_NODAL
    longest_diameter_mm: Decimal | None = None
    short_axis_mm: Decimal | None = None
    slice_thickness_mm: Decimal | None = None
    method: Method = Method.CT
    finding_type: FindingType = FindingType.MASS
    has_soft_tissue_component: bool = False
    is_locally_treated: bool = False
    has_progressed_since_treatment: bool = False
    slice_count: int | None = None

    def __post_init__(self) -> None:
        for name in ("longest_diameter_mm", "short_axis_mm", "slice_thickness_mm"):
            object.__setattr__(self, name, exact_or_none(getattr(self, name), name=name))


@dataclass(frozen=True, slots=True)
class MeasurabilityVerdict:
    """What the lesion can be, and why."""

    measurability: Measurability
    clause: Clause

    @property
    def is_measurable(self) -> bool:
        return self.measurability is Measurability.MEASURABLE


def judge_measurability(candidate: Candidate, scheme: Scheme = Scheme.RECIST) -> MeasurabilityVerdict:
    """Return whether a lesion is measurable at baseline."""
    if scheme is not Scheme.RECIST:
        return _judge_brain(candidate, scheme)
    refused = _refused(candidate)
    if refused is not None:
        return MeasurabilityVerdict(Measurability.NON_MEASURABLE, refused)
    return _judge_node(candidate) if candidate.kind is LesionKind.NODE else _judge_mass(candidate)


def _refused(candidate: Candidate) -> Clause | None:
    finding = candidate.finding_type
    if finding in _NEVER:
        return Clause("R11.MEAS.TYPE", f"A finding of type {finding.value} is never measurable.")
    if finding is FindingType.LYTIC_BONE and not candidate.has_soft_tissue_component:
        return Clause("R11.MEAS.TYPE", "A lytic bone lesion is measurable only through a soft-tissue component.")
    if candidate.is_locally_treated and not candidate.has_progressed_since_treatment:
        return Clause("R11.MEAS.RT", "The lesion was treated locally before and has not progressed since.")
    if candidate.method is Method.ULTRASOUND:
        return Clause("R11.MEAS.METHOD", "Ultrasound is no measuring method.")
    return None


def _judge_node(candidate: Candidate) -> MeasurabilityVerdict:
    short = candidate.short_axis_mm
    if short is None:
        return _unknown("R11.MEAS.NODE", "the short axis of the node was not measured")
    if short >= _NODE_TARGET_MM:
        result, said = Measurability.MEASURABLE, "at least 15 mm: it can be a target"
    elif short >= _NODE_NORMAL_MM:
        result, said = Measurability.NON_TARGET_PATHOLOGICAL, "10 to below 15 mm: pathological, but no target"
    else:
        result, said = Measurability.NORMAL, "below 10 mm: normal"
    return MeasurabilityVerdict(result, Clause("R11.MEAS.NODE", f"Short axis {plain(short)} mm, {said}."))


def _judge_mass(candidate: Candidate) -> MeasurabilityVerdict:
    longest = candidate.longest_diameter_mm
    rule_id = "R11.MEAS.SLICE" if candidate.method in (Method.CT, Method.MRI) else "R11.MEAS.METHOD"
    if longest is None:
        return _unknown(rule_id, "the longest diameter was not measured")
    needed = {Method.CHEST_XRAY: _XRAY_MM, Method.CALIPERS: _SMALLEST_MM}.get(candidate.method)
    if needed is None:
        needed = _smallest_by_slice(candidate)
    is_enough = longest >= needed
    said = f"Longest diameter {plain(longest)} mm; {plain(needed)} mm are needed with {candidate.method.value}."
    result = Measurability.MEASURABLE if is_enough else Measurability.NON_MEASURABLE
    return MeasurabilityVerdict(result, Clause(rule_id, said))


def _judge_brain(candidate: Candidate, scheme: Scheme) -> MeasurabilityVerdict:
    rule_id = "RN.MEAS" if scheme is Scheme.RANO else "BM.MEAS"
    longest, perpendicular = candidate.longest_diameter_mm, candidate.short_axis_mm
    if longest is None or perpendicular is None:
        return _unknown(rule_id, "one of the two perpendicular diameters was not measured")
    smallest = _smallest_by_slice(candidate)
    narrow = smallest if scheme is Scheme.RANO else _PERPENDICULAR_MM
    slices = candidate.slice_count
    is_enough = longest >= smallest and perpendicular >= narrow and (slices is None or slices >= _LEAST_SLICES)
    said = (
        f"{plain(longest)} x {plain(perpendicular)} mm on {slices if slices is not None else 'an unknown number of'} "
        f"slices; {plain(smallest)} x {plain(narrow)} mm on {_LEAST_SLICES} slices are needed."
    )
    result = Measurability.MEASURABLE if is_enough else Measurability.NON_MEASURABLE
    return MeasurabilityVerdict(result, Clause(rule_id, said))


def _smallest_by_slice(candidate: Candidate) -> Decimal:
    thickness = candidate.slice_thickness_mm
    return _SMALLEST_MM if thickness is None or thickness <= _THIN_SLICE_MM else 2 * thickness


def _unknown(rule_id: str, why: str) -> MeasurabilityVerdict:
    return MeasurabilityVerdict(Measurability.UNKNOWN, Clause(rule_id, f"Unknown, because {why}."))
