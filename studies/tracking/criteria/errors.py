"""Why a course cannot be judged: each refusal has a code that never changes and says what to do next."""

from __future__ import annotations

from typing import ClassVar

from studies.errors import InvalidInputError


class CriteriaInputError(InvalidInputError):
    """What was recorded does not allow a response to be computed."""

    code: ClassVar[str] = "criteria.input_invalid"


class TimepointOrderError(CriteriaInputError):
    """The timepoints do not follow each other in time."""

    code: ClassVar[str] = "criteria.timepoints_out_of_order"


class SameDayError(CriteriaInputError):
    """Two timepoints lie on one day."""

    code: ClassVar[str] = "criteria.two_timepoints_on_one_day"


class BaselineMissingError(CriteriaInputError):
    """There is no baseline to compare with."""

    code: ClassVar[str] = "criteria.baseline_missing"


class MeasurementMissingError(CriteriaInputError):
    """A number is needed that was not recorded."""

    code: ClassVar[str] = "criteria.measurement_missing"


class UnitMissingError(CriteriaInputError):
    """A number came without its unit, or with one that does not fit."""

    code: ClassVar[str] = "criteria.unit_missing"


class NotANumberError(CriteriaInputError):
    """A measurement is negative, infinite or no number at all."""

    code: ClassVar[str] = "criteria.not_a_measurement"


class UnknownLesionError(CriteriaInputError):
    """An observation names a lesion that was not recorded at baseline, or names one twice."""

    code: ClassVar[str] = "criteria.lesion_unknown"


class ConfigurationError(CriteriaInputError):
    """A configuration value lies outside what the criterion allows."""

    code: ClassVar[str] = "criteria.configuration_invalid"
