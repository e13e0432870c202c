"""A clinical figure that a label map gives: a number with its interval, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from studies.tracking.intervals import Interval


class FigureKind(StrEnum):
    """What a figure says; the codes never change."""

    END_DIASTOLIC_VOLUME = "end_diastolic_volume"
    END_SYSTOLIC_VOLUME = "end_systolic_volume"
    STROKE_VOLUME = "stroke_volume"
    EJECTION_FRACTION = "ejection_fraction"
    HEAD_CIRCUMFERENCE = "head_circumference"
    BIPARIETAL_DIAMETER = "biparietal_diameter"
    OCCIPITOFRONTAL_DIAMETER = "occipitofrontal_diameter"


class UnknownReason(StrEnum):
    """Why a figure, or its interval, is not known."""

    NO_PIXEL_SIZE = "figure.no_pixel_size"
    """The header gives no pixel size."""
    NO_PLACES = "figure.no_places"
    """The images do not say where they lie."""
    ONE_PHASE = "figure.one_phase"
    """Each place was imaged once."""
    PHASES_DIFFER = "figure.phases_differ"
    """Places were imaged differently often, so that phases cannot be told."""
    ONE_PHASE_OUTLINED = "figure.one_phase_outlined"
    """Fewer than two phases are outlined."""
    ONE_PLACE = "figure.one_place"
    """One place alone: no distance between slices."""
    NO_ELLIPSE = "figure.no_ellipse"
    """No ellipse fits the outline."""


class FigureCaution(StrEnum):
    """What a reader should know before relying on a figure."""

    ORDER_BY_NUMBER = "figure.phases_by_image_number"
    """The header gives no time within the heartbeat; images of a place are taken in the order of their numbers."""
    UNEVEN_SLICES = "figure.slices_unevenly_spaced"
    FEW_SLICES = "figure.fewer_than_five_slices"
    POOR_ELLIPSE = "figure.outline_is_no_ellipse"
    CUT_OFF = "figure.touches_the_edge_of_the_image"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number.

    Attributes
    ----------
    segment_number
        Of the structure it is of.
    value, unit
        None where it is unknown; `unknown` then says why.
    interval
        What the outline on its grid leaves open; None where that is not known.
    frame_index
        The image it was taken in, from 0, in the order they are shown; None for figures of several images.
    phase, phase_count
        Time within the heartbeat, from 1, and how many there are; None for figures of none.
    slice_count
        How many images it is the sum of.
    """

    kind: FigureKind
    segment_number: int
    value: float | None
    unit: str
    interval: Interval | None = None
    unknown: UnknownReason | None = None
    frame_index: int | None = None
    phase: int | None = None
    phase_count: int | None = None
    slice_count: int | None = None
    cautions: tuple[FigureCaution, ...] = ()
