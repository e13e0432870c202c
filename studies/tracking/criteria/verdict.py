"""What the engine says: a response, the clause that fired, the numbers it used and what it depended on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from studies.tracking.criteria.configuration import ConfigurationValue
from studies.tracking.criteria.exact import PercentChange, percent_change


class Criterion(StrEnum):
    """A response criterion this room can apply."""

    RECIST_1_1 = "RECIST_1_1"
    IRECIST = "IRECIST"
    MRECIST_HCC = "MRECIST_HCC"
    RANO_2_0 = "RANO_2_0"
    MRANO = "MRANO"
    RANO_HGG = "RANO_HGG"
    RANO_LGG = "RANO_LGG"
    RANO_BM = "RANO_BM"
    RANO_MIXED = "RANO_MIXED"
    PERCIST = "PERCIST"
    LUGANO_PET = "LUGANO_PET"
    LUGANO_CT = "LUGANO_CT"
    VOLUMETRIC = "VOLUMETRIC"


class Response(StrEnum):
    """A response category, written as its criterion writes it."""

    BASELINE = "BASELINE"
    CR = "CR"
    PR = "PR"
    MR = "MR"
    SD = "SD"
    PD = "PD"
    NE = "NE"
    NA = "NA"
    NON_CR_NON_PD = "NON-CR/NON-PD"
    PPD = "PPD"
    UNDETERMINED = "UNDETERMINED"
    ICR = "iCR"
    IPR = "iPR"
    ISD = "iSD"
    IUPD = "iUPD"
    ICPD = "iCPD"
    NON_ICR_NON_IUPD = "NON-iCR/NON-iUPD"
    CMR = "CMR"
    PMR = "PMR"
    SMD = "SMD"
    NMR = "NMR"
    PMD = "PMD"


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule that fired, with a sentence that a tired clinician understands."""

    rule_id: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers a verdict used, each reference with its day."""

    quantity: str
    unit: str
    value: Decimal | None
    baseline: Decimal | None = None
    baseline_day: int | None = None
    nadir: Decimal | None = None
    nadir_day: int | None = None
    composition: tuple[tuple[str, Decimal | None], ...] = ()

    @property
    def percent_from_baseline(self) -> PercentChange | None:
        return None if self.value is None or self.baseline is None else percent_change(self.value, self.baseline)

    @property
    def percent_from_nadir(self) -> PercentChange | None:
        return None if self.value is None or self.nadir is None else percent_change(self.value, self.nadir)


@dataclass(frozen=True, slots=True)
class TimepointVerdict:
    """The response at one timepoint.

    Attributes
    ----------
    clause
        The decisive clause.
    clauses
        All clauses on the way to it: target, non-target, overall.
    review_flags
        Why a named reader must look at this before it is used; not empty means mandatory review.
    """

    criterion: Criterion
    days_from_baseline: int
    target_response: Response
    non_target_response: Response | None
    overall_response: Response
    clause: Clause
    clauses: tuple[Clause, ...]
    numbers: Numbers
    configuration: tuple[ConfigurationValue, ...]
    warnings: tuple[str, ...] = ()
    review_flags: tuple[str, ...] = ()

    @property
    def is_review_mandatory(self) -> bool:
        return bool(self.review_flags)


@dataclass(frozen=True, slots=True)
class BestResponse:
    """The best overall response of a course, with the clause that gave it."""

    response: Response
    clause: Clause
    day: int | None = None


@dataclass(frozen=True, slots=True)
class CourseVerdict:
    """Everything one criterion says about one patient's course.

    Attributes
    ----------
    progression_day
        Day of the first progression, or None. A confirmed progression is dated at the scan that first showed it.
    unconfirmed_progression_day
        Day of a progression that waits for a confirming scan, or None.
    """

    criterion: Criterion
    timepoints: tuple[TimepointVerdict, ...]
    best_overall_response: BestResponse
    progression_day: int | None
    configuration_version: str
    unconfirmed_progression_day: int | None = None
    pseudoprogression_days: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    review_flags: tuple[str, ...] = ()

    @property
    def latest(self) -> TimepointVerdict:
        return self.timepoints[-1]
