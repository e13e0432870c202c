"""The auditor: what is asked about on a lesion's way through several dates, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from studies.label_maps.label_map import LabelMap
from studies.tracking.measurement import measure_lesions
from studies.tracking.timeline import Finding, Marked, Presence, Sighting, audit_lesion
from tests.studies.tracking.bodies import AXIAL, grid

SAGITTAL = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0)
SHAPE = (41, 41, 41)


def measured(semi_axes_mm=(10.0, 10.0, 10.0), direction=AXIAL) -> Marked:
    """An ellipsoid measured on a grid of 1 mm; semi-axes along (slice, row, column)."""
    offset = (np.indices(SHAPE) - 20.2) / np.reshape(semi_axes_mm, (3, 1, 1, 1))
    (found,) = measure_lesions(
        LabelMap(((offset**2).sum(axis=0) <= 1).astype(np.uint8), grid(SHAPE, direction=direction))
    )
    return Marked.of(found)


BALL = measured()


def marked(day: int, measurement: Marked = BALL) -> Sighting:
    return Sighting(day, Presence.MARKED, measurement)


def unmarked(day: int) -> Sighting:
    return Sighting(day, Presence.UNMARKED)


def test_a_steady_lesion_needs_no_remark():
    assert audit_lesion([marked(0), marked(56), marked(112)]) == ()
    assert audit_lesion([]) == ()


def test_seen_before_and_after_but_not_in_between():
    (remark,) = audit_lesion([marked(0), unmarked(56), marked(112)])
    assert (remark.finding, remark.dates) == (Finding.GAP, (0, 1, 2))
    assert remark.sentence == "Seen on dates 1 and 3, unmarked on 2."
    (longer,) = audit_lesion([marked(0), unmarked(56), unmarked(80), marked(112)])
    assert longer.sentence == "Seen on dates 1 and 4, unmarked on 2 and 3."


def test_what_was_not_imaged_is_no_gap():
    assert audit_lesion([marked(0), Sighting(56, Presence.NOT_IMAGED), marked(112)]) == ()


def test_gone_and_back():
    (remark,) = audit_lesion([marked(0), Sighting(56, Presence.STATED_ABSENT), marked(112)])
    assert (remark.finding, remark.dates) == (Finding.REAPPEARED, (1, 2))


def test_seen_once_between_two_dates_without():
    (remark,) = audit_lesion([unmarked(0), marked(56), unmarked(112)])
    assert remark.finding is Finding.ONE_DATE
    assert audit_lesion([unmarked(0), unmarked(56), marked(112)]) == ()  # new: nothing odd


def test_measured_in_another_plane():
    (remark,) = audit_lesion([marked(0), marked(56, measured(direction=SAGITTAL))])
    assert remark.finding is Finding.OTHER_PLANE
    assert "sagittal instead of axial, 90 degrees apart" in remark.sentence


def test_the_diameter_fell_while_the_volume_grew():
    flat, tall = measured((5.0, 14.0, 10.0)), measured((15.0, 11.0, 10.0))
    assert tall.longest_diameter.value < flat.longest_diameter.value
    assert tall.volume.value > flat.volume.value
    (remark,) = audit_lesion([marked(0, flat), marked(56, tall)])
    assert remark.finding is Finding.OPPOSITE
    fell = 1 - tall.longest_diameter.value / flat.longest_diameter.value
    grew = tall.volume.value / flat.volume.value - 1
    assert f"The diameter fell by {fell:.0%} while the volume grew by {grew:.0%}" in remark.sentence


def test_a_change_that_the_grid_could_make():
    (remark,) = audit_lesion([marked(0), marked(56, measured((10.4, 10.4, 10.4)))])
    assert remark.finding is Finding.UNCERTAIN_CHANGE
    assert audit_lesion([marked(0), marked(56, measured((14.0, 14.0, 14.0)))]) == ()


def test_dates_must_be_in_order():
    (remark,) = audit_lesion([marked(0), marked(112), unmarked(56), marked(200)])
    assert (remark.finding, remark.dates) == (Finding.DATES_OUT_OF_ORDER, (1, 2))
    (same,) = audit_lesion([marked(0), marked(0)])
    assert same.finding is Finding.SAME_DAY


def test_a_sighting_says_one_thing():
    with pytest.raises(ValueError, match="marked"):
        Sighting(0, Presence.MARKED)
    with pytest.raises(ValueError, match="marked"):
        Sighting(0, Presence.UNMARKED, BALL)
