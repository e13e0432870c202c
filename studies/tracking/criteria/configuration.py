"""What the sources leave open, as visible, versioned values: each verdict names the ones it depended on.

References: criteria specification, section 12 (open points) and the passages marked as convention. Every default waits
for a clinical reader's ratification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from studies.tracking.criteria.errors import ConfigurationError

CONFIGURATION_VERSION = "2026.1"


class ResponsePersistence(StrEnum):
    """Whether a partial response lasts until progression, or each scan stands alone."""

    EORTC = "eortc"
    STRICT = "strict"


class NonTargetReappearance(StrEnum):
    """What makes progression of a non-target lesion that is seen again after a complete response."""

    E09 = "e09"
    EORTC = "eortc"


class ProgressionConfirmation(StrEnum):
    """When a radiographic progression of a brain tumour stays preliminary until a later scan."""

    NEVER = "never"
    WINDOW = "window"
    ALWAYS = "always"


class ConfirmationRule(StrEnum):
    """What a later scan must show to confirm a preliminary progression."""

    FURTHER_INCREASE_VS_PPD = "further_increase_vs_ppd"
    PERSIST_VS_NADIR = "persist_vs_nadir"


@dataclass(frozen=True, slots=True)
class ConfigurationValue:
    """One value a verdict depended on, as it is printed beside it."""

    name: str
    value: str
    meaning: str


_MEANINGS = {
    "pr_persistence": "a partial response lasts until progression (eortc), or each scan stands alone (strict)",
    "nt_reappearance": "after a CR, any non-target seen again (e09) or only unequivocal growth (eortc) is PD",
    "confirmation_required": "a response counts as best only when a later scan repeats it",
    "min_sd_days": "days from baseline before stable disease counts",
    "min_confirm_days": "days between a response, or a first progression, and the scan that confirms it",
    "confirm_tolerance_days": "days by which a confirming scan may come early",
    "confirm_max_ne": "scans not evaluable that may lie between a response and its confirmation",
    "confirm_max_sd": "scans with stable disease that may lie between a partial response and its confirmation",
    "late_confirm_days": "days after which an immune confirmation is late and flagged",
    "ipr_persistence": "whether an immune partial response lasts until progression",
    "too_small_mm": "value of a target that is present but too small to measure",
    "confirm_pd": "when a radiographic progression of a brain tumour is preliminary",
    "confirm_rule": "what confirms a preliminary progression",
    "radiotherapy_window_days": "days after the end of radiotherapy in which a progression is preliminary (inclusive)",
    "is_antiangiogenic": "under anti-angiogenic therapy T2/FLAIR counts in RANO 2.0",
    "is_immunotherapy": "under immunotherapy a new brain lesion alone is no progression in RANO-BM",
    "deauville_five_factor": "uptake above this multiple of the liver is Deauville 5",
    "lugano_size_limit_mm": "longest diameter at nadir up to which 5 mm of growth suffice, else 10 mm",
}


@dataclass(frozen=True, slots=True)
class CriteriaConfiguration:
    """The open points of the criteria; the defaults are those of the specification."""

    pr_persistence: ResponsePersistence = ResponsePersistence.EORTC
    nt_reappearance: NonTargetReappearance = NonTargetReappearance.E09
    confirmation_required: bool = False
    min_sd_days: int = 42
    min_confirm_days: int = 28
    confirm_tolerance_days: int = 0
    confirm_max_ne: int = 1
    confirm_max_sd: int = 1
    late_confirm_days: int = 56
    ipr_persistence: ResponsePersistence = ResponsePersistence.STRICT
    too_small_mm: Decimal = Decimal(5)
    confirm_pd: ProgressionConfirmation = ProgressionConfirmation.WINDOW
    confirm_rule: ConfirmationRule = ConfirmationRule.FURTHER_INCREASE_VS_PPD
    radiotherapy_window_days: int = 84
    is_antiangiogenic: bool = False
    is_immunotherapy: bool = False
    deauville_five_factor: Decimal = Decimal(2)
    lugano_size_limit_mm: Decimal = Decimal(20)
    version: str = CONFIGURATION_VERSION

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int | Decimal) and value < 0:
                raise ConfigurationError(f"{field.name} is {value}; it cannot be negative.")
        if self.confirm_tolerance_days > self.min_confirm_days:
            raise ConfigurationError("confirm_tolerance_days is longer than the interval it softens.")

    @property
    def confirm_days(self) -> int:
        """Days a confirming scan must lie behind, tolerance taken off."""
        return self.min_confirm_days - self.confirm_tolerance_days

    def shown(self, *names: str) -> tuple[ConfigurationValue, ...]:
        """Return the named values as a verdict prints them, the version first."""
        version = ConfigurationValue("version", self.version, "version of these values")
        return (version, *(ConfigurationValue(n, str(getattr(self, n)), _MEANINGS[n]) for n in names))


def change_configuration(defaults: CriteriaConfiguration, values: Mapping[str, Any]) -> CriteriaConfiguration:
    """Return a criterion's own values with some of them changed, as they come from outside.

    Raises
    ------
    ConfigurationError
        Where a name is not known, or a value is not of its kind.
    """
    changes: dict[str, Any] = {}
    for name, value in values.items():
        if name not in _MEANINGS:
            raise ConfigurationError(f"There is no configuration value {name!r}. Known are {', '.join(_MEANINGS)}.")
        changes[name] = _converted(name, value, getattr(defaults, name))
    return replace(defaults, **changes)


def _converted(name: str, value: Any, like: Any) -> Any:
    """Return a value from outside in the kind of the one it replaces."""
    try:
        if isinstance(like, StrEnum):
            return type(like)(value)
        if isinstance(like, bool) or isinstance(value, bool):
            if isinstance(like, bool) and isinstance(value, bool):
                return value
            raise ValueError(value)
        return Decimal(str(value)) if isinstance(like, Decimal) else _whole(value)
    except (ValueError, InvalidOperation):
        kind = ", ".join(type(like)) if isinstance(like, StrEnum) else type(like).__name__
        raise ConfigurationError(f"{name} cannot be {value!r}. It takes: {kind}.") from None


def _whole(value: Any) -> int:
    number = Decimal(str(value))
    if number != number.to_integral_value():
        raise ValueError(value)
    return int(number)
