"""Windows on offer."""

from __future__ import annotations

from studies.dicom.frames import FrameWindow
from studies.dicom.presets import choose_presets


def test_a_ct_begins_as_acquired_and_offers_the_usual_windows():
    presets = choose_presets("CT", "HU", [FrameWindow(35, 350, "WINDOW1")], -1024, 1500)
    assert [preset.name for preset in presets][:4] == ["As acquired", "Abdomen", "Lung", "Mediastinum"]
    assert (presets[0].center, presets[0].width) == (35, 350)
    assert {"Bone", "Brain"} <= {preset.name for preset in presets}


def test_an_mr_without_a_window_is_shown_between_its_percentiles():
    [preset] = choose_presets("MR", "", [], 20.0, 420.0)
    assert (preset.name, preset.center, preset.width) == ("Full contrast", 220.0, 400.0)


def test_a_pet_begins_at_zero():
    presets = choose_presets("PT", "Bq/ml", [], 100.0, 5000.0)
    assert presets[0].center - presets[0].width / 2 == 0.0


def test_an_image_of_one_value_has_a_window_all_the_same():
    [preset] = choose_presets("MR", "", [], 7.0, 7.0)
    assert preset.width > 0


def test_names_occur_once_and_the_first_stays():
    written = [FrameWindow(1, 2, "Lung"), FrameWindow(3, 4, "Lung")]
    presets = choose_presets("CT", "HU", written, 0, 1)
    assert [preset.center for preset in presets if preset.name == "Lung"] == [1]
