"""How a series was taken, as far as its header says: what two dates must share to be compared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Vector = tuple[float, float, float]


class Weighting(StrEnum):
    """What makes contrast in an MR image."""

    T1 = "T1"
    T2 = "T2"
    FLAIR = "FLAIR"
    DIFFUSION = "diffusion"
    ADC = "ADC"
    """Map of the apparent diffusion coefficient."""
    SUSCEPTIBILITY = "T2*"
    PROTON_DENSITY = "PD"
    ANGIOGRAPHY = "angiography"
    PERFUSION = "perfusion"


class Purpose(StrEnum):
    """Why a series is there, where it is not to be read by itself."""

    LOCALIZER = "localizer"
    SUBTRACTION = "subtraction"
    REFORMAT = "reformat"
    """Slices, projections or pictures that were computed from another series."""


class ContrastPhase(StrEnum):
    """When after the injection of a contrast agent images were taken."""

    NATIVE = "native"
    ARTERIAL = "arterial"
    PORTAL_VENOUS = "portal venous"
    DELAYED = "delayed"


@dataclass(frozen=True, slots=True)
class AcquisitionFacts:
    """One series. None, or empty text, where the header does not say.

    Attributes
    ----------
    has_contrast
        Whether a contrast agent was given.
    slice_thickness_mm, slice_distance_mm
        As stated; between neighbouring slices by their positions.
    plane_normal
        Unit vector at right angles to the images, patient LPS.
    uptake_min
        Minutes from injection to the start of the PET scan.
    suv_problem
        Why there is no SUV; empty where there is one, or the series is no PET.
    purpose
        None for images that are read by themselves.
    """

    modality: str
    has_contrast: bool | None = None
    contrast_agent: str = ""
    phase: ContrastPhase | None = None
    kernel: str = ""
    slice_thickness_mm: float | None = None
    slice_distance_mm: float | None = None
    plane_normal: Vector | None = None
    field_strength_t: float | None = None
    weighting: Weighting | None = None
    manufacturer: str = ""
    model: str = ""
    tracer: str = ""
    uptake_min: float | None = None
    units: str = ""
    suv_problem: str = ""
    body_region: str = ""
    purpose: Purpose | None = None

    @property
    def slice_mm(self) -> float | None:
        """The coarser of thickness and distance: what a lesion is seen through."""
        known = [each for each in (self.slice_thickness_mm, self.slice_distance_mm) if each is not None]
        return max(known, default=None)
