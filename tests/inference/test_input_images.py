"""Which series are the images a network asks for: by what headers say, and in words where they do not say enough."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inference.image_kinds import read_kinds
from inference.input_images import (
    Candidate,
    ChannelsMissingError,
    ChosenImage,
    NoSuchChannelError,
    find_images,
    measure_overlap,
)
from studies.imaging.geometry import VolumeGeometry
from studies.tracking.acquisition_facts import AcquisitionFacts, Purpose, Weighting

AXIAL = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)
GRID = VolumeGeometry((30, 100, 100), (5.0, 1.0, 1.0), (0.0, 0.0, 0.0), AXIAL)
MR = AcquisitionFacts("MR")
T1 = Candidate("t1", "series 2 (t1)", replace(MR, weighting=Weighting.T1, has_contrast=False), GRID, "1.2")
T1C = Candidate("t1c", "series 7 (t1 ce)", replace(MR, weighting=Weighting.T1, has_contrast=True), GRID, "1.2")
T2 = Candidate("t2", "series 3 (t2)", replace(MR, weighting=Weighting.T2), GRID, "1.2")
FLAIR = Candidate("flair", "series 4 (flair)", replace(MR, weighting=Weighting.FLAIR), GRID, "1.2")
GLIOMA = ("T1", "T1c", "T2", "FLAIR")


def keys(chosen: tuple[ChosenImage, ...]) -> list[str]:
    return [image.key for image in chosen]


def choose(*candidates: Candidate, opened: str = "t1c", channels: tuple[str, ...] = GLIOMA, **options):
    modalities = frozenset({"MR"})
    return find_images(
        "Glioma network", channels, modalities, opened=opened, candidates=candidates, **options
    ).require()


def ask(name: str, weighting: str | None, contrast: bool | None = None, modality: str = "MR"):
    return pytest.param(name, weighting, contrast, modality, id=name)


@pytest.mark.parametrize(
    ("name", "weighting", "contrast", "modality"),
    [
        ask("T1c", "T1", True), ask("t1ce", "T1", True), ask("T1Gd", "T1", True), ask("T1_post", "T1", True),
        ask("T1-weighted with contrast", "T1", True), ask("t1n", "T1", False), ask("T1 without contrast", "T1", False),
        ask("T1", "T1"), ask("T1w", "T1"), ask("T2", "T2"), ask("t2w", "T2"), ask("T2-FLAIR", "FLAIR"),
        ask("t2f", "FLAIR"), ask("FLAIR", "FLAIR"), ask("ADC", "ADC"), ask("DWI b1000", "diffusion"),
        ask("T2*", "T2*"), ask("CT", None, None, "CT"), ask("PET", None, None, "PT"), ask("SUV", None, None, "PT"),
    ],
)  # fmt: skip
def test_a_channels_name_says_what_it_asks_for(name, weighting, contrast, modality) -> None:
    (kind,) = read_kinds([name], frozenset())
    assert kind is not None
    assert (kind.weighting, kind.has_contrast, kind.modality) == (weighting, contrast, modality)


@pytest.mark.parametrize("name", ["image 1", "noisy", "0", "input", "octagon"])
def test_a_name_that_says_nothing_asks_for_a_person(name: str) -> None:
    assert read_kinds([name, "T1"], frozenset({"MR"}))[0] is None
    with pytest.raises(ChannelsMissingError, match="chosen by hand"):
        choose(T1, T2, opened="t1", channels=("T1", name))


def test_a_plain_t1_beside_one_with_contrast_is_the_one_without() -> None:
    kinds = read_kinds(GLIOMA, frozenset({"MR"}))
    assert [kind and kind.has_contrast for kind in kinds] == [False, True, None, None]
    assert read_kinds(("T1", "T2"), frozenset())[0].has_contrast is None


def test_each_channel_gets_the_series_that_says_so_whatever_the_order() -> None:
    for opened in ("t1", "t1c", "t2", "flair"):
        chosen = choose(FLAIR, T1C, T2, T1, opened=opened)
        assert keys(chosen) == ["t1", "t1c", "t2", "flair"]
        assert not any(image.note or image.is_by_person for image in chosen)


def test_what_is_missing_is_said_with_why() -> None:
    thin = replace(FLAIR, geometry=replace(GRID, shape=(6, 100, 100)), words="series 9 (flair slab)")
    gappy = replace(T2, geometry=None)
    with pytest.raises(ChannelsMissingError) as refusal:
        choose(T1, T1C, gappy, thin)
    assert refusal.value.details["missing"] == ["T2", "FLAIR"]
    assert "series 3 (t2) is T2 but not one regular volume" in refusal.value.message
    assert "series 9 (flair slab) is FLAIR but covers less than half" in refusal.value.message
    with pytest.raises(ChannelsMissingError, match="FLAIR: no series of this study says that it is FLAIR"):
        choose(T1, T1C, T2)


def test_unknown_contrast_is_never_taken_for_contrast() -> None:
    unsure = replace(T1C, facts=replace(T1C.facts, has_contrast=None))
    with pytest.raises(ChannelsMissingError, match="T1c: no series of this study says that it is T1 with contrast"):
        choose(T1, unsure, T2, FLAIR, opened="t1")


def test_unknown_contrast_beside_contrast_is_taken_as_without_and_said() -> None:
    unsure = replace(T1, facts=replace(T1.facts, has_contrast=None))
    for opened in ("t1", "t1c"):
        chosen = choose(unsure, T1C, T2, FLAIR, opened=opened)
        assert keys(chosen) == ["t1", "t1c", "t2", "flair"]
        assert "does not say whether a contrast agent was given" in chosen[0].note


def test_localizers_and_subtractions_are_no_channels() -> None:
    for purpose in Purpose:
        odd = replace(FLAIR, facts=replace(FLAIR.facts, purpose=purpose))
        with pytest.raises(ChannelsMissingError, match="FLAIR"):
            choose(T1, T1C, T2, odd)


def test_of_two_the_thinner_slices_of_the_same_frame_are_taken_and_said() -> None:
    thin = replace(FLAIR, key="thin", geometry=replace(GRID, shape=(150, 100, 100), spacing_mm=(1.0, 1.0, 1.0)))
    elsewhere = replace(thin, key="elsewhere", frame_of_reference="9.9")
    chosen = choose(T1, T1C, T2, elsewhere, FLAIR, thin)
    assert chosen[3].key == "thin"
    assert chosen[3].note == "2 other series fit; this one has the thinnest slices."


def test_the_opened_series_is_always_one_of_the_images() -> None:
    other = replace(FLAIR, key="other")
    assert keys(choose(T1, T1C, T2, FLAIR, other, opened="other"))[3] == "other"
    ct = replace(T1, key="ct", facts=AcquisitionFacts("CT"), words="series 1 (CT)")
    with pytest.raises(ChannelsMissingError, match=r"series 1 \(CT\), is none of the images"):
        choose(T1, T1C, T2, FLAIR, ct, opened="ct")


def test_a_person_may_name_series() -> None:
    chosen = choose(T1, T1C, T2, FLAIR, opened="t1", named={"T1c": "t1", "T1": "t1c"})
    assert keys(chosen)[:2] == ["t1c", "t1"]
    assert [image.is_by_person for image in chosen] == [True, True, False, False]
    with pytest.raises(NoSuchChannelError, match="no image 'T3'"):
        choose(T1, T1C, T2, FLAIR, named={"T3": "t1"})
    with pytest.raises(NoSuchChannelError, match="not in this study"):
        choose(T1, T1C, T2, FLAIR, named={"T1": "another study's"})
    with pytest.raises(NoSuchChannelError, match="named for two"):
        choose(T1, T1C, T2, FLAIR, named={"T1": "t2", "T2": "t2"})


def test_overlap_is_the_share_of_the_field_of_view() -> None:
    half = replace(GRID, origin_mm=(0.0, 0.0, 75.0))
    assert measure_overlap(GRID, GRID) == 1.0
    assert measure_overlap(GRID, half) == pytest.approx(0.5, abs=0.06)
    assert measure_overlap(GRID, replace(GRID, origin_mm=(500.0, 0.0, 0.0))) == 0.0
