"""Registration: known ways between two volumes are found, and where there is none that is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from scipy import ndimage

from studies.imaging.geometry import VolumeGeometry
from studies.imaging.registration import RegistrationProblem, check_frame, register
from studies.imaging.volume import Volume

AXIAL = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
CORONAL = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
MS_PAIR = Path(__file__).parents[4] / "shared" / "data" / "ms_longitudinal" / "patient01"


def head(points_mm: np.ndarray) -> np.ndarray:
    """A made-up head around the origin: skull, brain, ventricles, an eye, two lesions; no symmetry."""
    values = np.zeros(points_mm.shape[:-1])
    for centre, axes, grey in (
        ((0, 0, 0), (66, 82, 70), 0.5),
        ((0, 0, 0), (60, 76, 64), 0.8),
        ((12, 5, 8), (9, 26, 12), 0.2),
        ((-14, 3, 10), (8, 22, 10), 0.25),
        ((30, -72, -10), (12, 12, 12), 1.0),
        ((-30, 30, -20), (14, 9, 11), 0.95),
        ((25, 40, 30), (8, 8, 12), 0.6),
        ((-5, -35, 40), (16, 8, 7), 0.4),
    ):
        values[(((points_mm - centre) / np.asarray(axes)) ** 2).sum(axis=-1) <= 1.0] = grey
    return values


def scan(spacing_mm, direction, patient_to_scanner: np.ndarray, *, seed: int, invert: bool = False) -> Volume:
    """Take an image of the head, which lies in the scanner as the 4x4 says; the table follows nearly."""
    shape = tuple(round(n) for n in 190.0 / np.asarray(spacing_mm))
    steps = direction * np.asarray(spacing_mm)
    origin = patient_to_scanner[:3, 3] - steps @ ((np.asarray(shape) - 1) / 2) + (4.0, -3.0, 5.0)
    geometry = VolumeGeometry(shape, tuple(spacing_mm), tuple(origin), tuple(direction.reshape(-1)))
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    back = np.linalg.inv(patient_to_scanner)
    places = (index @ steps.T + origin) @ back[:3, :3].T + back[:3, 3]
    grey = head(places)
    if invert:
        grey = np.where(grey > 0, 1.25 - grey, 0.0)
    blurred = ndimage.gaussian_filter(grey, [1.0 / s for s in spacing_mm])
    noise = np.random.default_rng(seed).normal(0.0, 0.03, shape)
    return Volume(((blurred + noise) * 1000).astype(np.float32), geometry, "MR")


def way(degrees: float, shift_mm, stretch: float = 1.0) -> np.ndarray:
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, np.cos(a / 2), -np.sin(a / 2)], [0, np.sin(a / 2), np.cos(a / 2)]]
    )
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn * stretch, shift_mm
    return matrix


def error_mm(found: np.ndarray, true: np.ndarray) -> float:
    """Root mean square over the corners of a box of 80 mm."""
    corners = np.array(np.meshgrid([-40, 40], [-40, 40], [-40, 40])).reshape(3, -1).T
    return float(np.sqrt((((corners @ (found - true)[:3, :3].T) + (found - true)[:3, 3]) ** 2).sum(axis=1).mean()))


@pytest.mark.parametrize(
    ("spacing_mm", "direction", "true", "invert"),
    [
        ((5.0, 2.0, 2.0), CORONAL, way(-5.0, (-9.0, 6.0, 4.0)), True),
        ((3.0, 2.0, 2.0), AXIAL, way(2.0, (60.0, -30.0, 25.0), stretch=1.03), False),
    ],
    ids=["other plane, thick slices, other contrast", "far away and stretched"],
)
def test_a_known_way_is_found(spacing_mm, direction, true, invert):
    prior = scan((3.0, 2.0, 2.0), AXIAL, np.eye(4), seed=1)
    current = scan(spacing_mm, direction, true, seed=2, invert=invert)
    found = register(prior, current)
    assert found.problems == ()
    assert found.confidence >= 0.5
    assert error_mm(found.prior_to_current_mm, true) < 1.5
    assert found.residual_mm < 1.5


def test_the_same_input_gives_the_same_way():
    prior = scan((8.0, 5.0, 5.0), AXIAL, np.eye(4), seed=1)
    current = scan((8.0, 5.0, 5.0), AXIAL, way(3.0, (4.0, 2.0, -3.0)), seed=2)
    first, second = register(prior, current), register(prior, current)
    np.testing.assert_allclose(first.prior_to_current_mm, second.prior_to_current_mm, atol=1e-6)
    assert first.problems == second.problems


def test_failure_is_said():
    prior = scan((8.0, 5.0, 5.0), AXIAL, np.eye(4), seed=1)
    flat = Volume(np.zeros_like(prior.voxels), prior.geometry)
    empty = register(prior, flat)
    assert empty.problems == (RegistrationProblem.NO_STRUCTURE,)
    assert empty.confidence == 0.0
    noise = Volume(np.random.default_rng(3).normal(size=prior.voxels.shape).astype(np.float32), prior.geometry)
    lost = register(prior, noise)
    assert not lost.is_trusted
    assert lost.confidence < 0.5


@pytest.mark.real_data
@pytest.mark.skipif(not MS_PAIR.is_dir(), reason="The multiple sclerosis pair is not at hand.")
def test_a_real_pair_agrees_with_its_authors():
    """Two FLAIR images with the authors' rigid transforms from a common space, by a method of their own."""
    prior, current = (_read(MS_PAIR / f"study{number}_FLAIR.nii.gz") for number in (1, 2))
    ways = [_read_transform(MS_PAIR / f"study{number}_FLAIR_to_common_space.txt") for number in (1, 2)]
    found = register(prior, current)
    assert found.is_trusted
    assert error_mm(found.prior_to_current_mm, ways[1] @ np.linalg.inv(ways[0])) < 1.0


def _read(path: Path) -> Volume:
    image = SimpleITK.ReadImage(str(path), SimpleITK.sitkFloat32)
    direction = np.reshape(image.GetDirection(), (3, 3))[:, ::-1]
    voxels = SimpleITK.GetArrayFromImage(image)
    geometry = VolumeGeometry(
        voxels.shape, tuple(reversed(image.GetSpacing())), image.GetOrigin(), tuple(direction.reshape(-1))
    )
    return Volume(voxels, geometry, "MR")


def _read_transform(path: Path) -> np.ndarray:
    transform = SimpleITK.ReadTransform(str(path))
    origin = np.asarray(transform.TransformPoint((0.0, 0.0, 0.0)))
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack(
        [np.asarray(transform.TransformPoint(tuple(unit))) - origin for unit in np.eye(3)], axis=1
    )
    matrix[:3, 3] = origin
    return matrix


def test_a_shared_frame_is_confirmed_only_where_the_patient_lay_still() -> None:
    still = scan((2.0, 2.0, 2.0), AXIAL, np.eye(4), seed=1)
    thick = scan((4.0, 1.5, 1.5), CORONAL, np.eye(4), seed=2, invert=True)
    found = check_frame(still, thick)
    assert found.is_confirmed
    assert found.overlap > 0.95
    moved = scan((2.0, 2.0, 2.0), AXIAL, way(0.0, (3.0, 0.0, 0.0)), seed=3)
    assert not check_frame(still, moved).is_confirmed
    flat = Volume(np.zeros((20, 20, 20), np.float32), replace(still.geometry, shape=(20, 20, 20)), "MR")
    assert not check_frame(still, flat).is_confirmed
