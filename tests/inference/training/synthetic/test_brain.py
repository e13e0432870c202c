"""Synthetic heads: equal for equal seeds, and truth that the images bear out."""

from __future__ import annotations

import numpy as np
import pytest

from inference.training.synthetic.brain_mr import PROTOCOLS, BrainExamination, generate_brain_mr
from inference.training.synthetic.brain_sampler import random_brain_lesion_case
from inference.training.synthetic.glioma import ENHANCING, NECROSIS, OEDEMA
from inference.training.synthetic.head import load_head
from inference.training.synthetic.truth import measure_truth

SMALL = tuple(
    protocol._replace(shape=(45, 80, 72), spacing_mm=(3.6, 3.0, 3.0))
    for protocol in PROTOCOLS
    if protocol.name in ("T1c", "FLAIR")
)


@pytest.fixture(scope="module")
def course() -> list[BrainExamination]:
    return [generate_brain_mr(3, timepoint, protocols=SMALL) for timepoint in range(3)]


def test_the_same_seed_gives_the_same_bytes_and_another_date_does_not(course: list[BrainExamination]) -> None:
    again = generate_brain_mr(3, 1, protocols=SMALL)
    for image in again.images:
        first = course[1].image(image.sequence)
        assert image.volume.voxels.tobytes() == first.volume.voxels.tobytes()
        assert image.truth.digest == first.truth.digest
    assert again.images[0].volume.voxels.tobytes() != course[0].images[0].volume.voxels.tobytes()


def test_the_tumour_grows_from_date_to_date(course: list[BrainExamination]) -> None:
    for segment in (NECROSIS, ENHANCING, OEDEMA):
        volumes = [measure_truth(date.image("T1c").truth)[segment - 1].volume_ml for date in course]
        assert volumes[0] > 0.1
        assert volumes[1] > 1.5 * volumes[0]
        assert volumes[2] > 1.5 * volumes[1]


def test_truth_agrees_between_sequences_of_a_date(course: list[BrainExamination]) -> None:
    first, second = (course[2].image(name).truth.voxels for name in ("T1c", "FLAIR"))
    np.testing.assert_array_equal(first, second)  # equal grids, one head


def test_contrasts_are_those_of_the_sequences(course: list[BrainExamination]) -> None:
    t1c, flair = course[2].image("T1c"), course[2].image("FLAIR")

    def mean(image: np.ndarray, segment: int) -> float:
        return float(image[t1c.truth.voxels == segment].mean())

    head = t1c.volume.voxels[t1c.truth.voxels == 0]
    white_matter = float(np.median(head[(head > 550) & (head < 800)]))
    assert mean(t1c.volume.voxels, ENHANCING) > 1.25 * white_matter
    assert mean(t1c.volume.voxels, NECROSIS) < 0.75 * white_matter
    assert mean(t1c.volume.voxels, OEDEMA) < 0.85 * white_matter
    tissue = flair.volume.voxels[(flair.truth.voxels == 0) & (flair.volume.voxels > 300)]
    assert mean(flair.volume.voxels, OEDEMA) > 1.5 * float(np.median(tissue))


def test_the_head_lies_differently_at_each_date_and_the_transform_is_rigid(course: list[BrainExamination]) -> None:
    for date in course:
        turn = date.head_to_patient_mm[:3, :3]
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1.0)
    assert np.abs(course[0].head_to_patient_mm - course[1].head_to_patient_mm).max() > 0.5


def test_the_known_transform_carries_the_tumour_from_date_to_date(course: list[BrainExamination]) -> None:
    """The middle of the tumour, taken back into the head's own frame, stays where the glioma was planted."""
    for date in course:
        truth = date.image("T1c").truth
        index = np.argwhere((truth.voxels == NECROSIS) | (truth.voxels == ENHANCING)).mean(axis=0)
        patient = truth.geometry.index_to_patient_mm @ np.append(index, 1.0)
        head = np.linalg.inv(date.head_to_patient_mm) @ patient
        np.testing.assert_allclose(head[:3], (-31.0, 12.0, 30.0), atol=9.0)  # lobes pull it off the main lobe's centre


def test_training_cases_are_deterministic_and_their_rim_is_bright() -> None:
    brighter = lesions = 0
    for seed in range(6):
        volume, truth = random_brain_lesion_case(np.random.default_rng(seed), shape=(48, 48, 48), spacing_mm=(2.0,) * 3)
        again, again_truth = random_brain_lesion_case(
            np.random.default_rng(seed), shape=(48, 48, 48), spacing_mm=(2.0,) * 3
        )
        assert volume.voxels.tobytes() == again.voxels.tobytes()
        assert truth.digest == again_truth.digest
        assert np.isfinite(volume.voxels.astype(np.float64)).all()
        rim = truth.voxels == ENHANCING
        if rim.sum() > 20:
            lesions += 1
            brighter += volume.voxels[rim].mean() > 1.15 * np.median(volume.voxels[truth.voxels == 0])
    assert lesions >= 3
    assert brighter == lesions


def test_a_training_case_may_have_no_lesion() -> None:
    _, truth = random_brain_lesion_case(
        np.random.default_rng(1), shape=(24, 24, 24), spacing_mm=(4.0, 4.0, 4.0), tumour_share=0.0
    )
    assert not truth.voxels.any()


def test_tissue_shares_never_exceed_the_voxel() -> None:
    total = sum(share[::4, ::4, ::4].astype(int) for share in load_head().channels())
    assert total.max() <= 255 + 3  # six roundings
    assert (total > 128).mean() > 0.25  # there is a head
