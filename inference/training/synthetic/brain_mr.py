"""A patient's brain MR over several dates: T1, contrast-enhanced T1, T2 and FLAIR with a growing glioma."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inference.training.synthetic.glioma import GLIOMA_SEGMENTS, Glioma, LesionShares, draw_glioma, label_shares
from inference.training.synthetic.head import HeadTissues, load_head
from inference.training.synthetic.noise import Field, bias_field, fractal_noise, rician, smooth_noise
from inference.training.synthetic.shapes import Coordinates, Place, Window, open_grid
from inference.training.synthetic.template import ORIGIN_MM
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap

AXIAL = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)
"""Direction of an axial stack in LPS: slices upwards, rows to the back, columns to the patient's left."""


class Protocol(NamedTuple):
    """How one sequence is taken and what it shows.

    ``tissues`` are signals of (grey, white, fluid, fat, muscle, vessel) and ``lesion`` those of (necrosis, enhancing
    tumour, oedema); 1.0 becomes 1000 in the image.
    """

    name: str
    shape: tuple[int, int, int]
    spacing_mm: Place
    tissues: tuple[float, float, float, float, float, float]
    lesion: tuple[float, float, float]
    noise: float


PROTOCOLS: tuple[Protocol, ...] = (
    Protocol(
        "T1", (54, 256, 256), (3.0, 0.9375, 0.9375), (0.47, 0.66, 0.17, 1.05, 0.40, 0.22), (0.27, 0.40, 0.44), 0.016
    ),
    Protocol("T1c", (108, 256, 208), (1.5, 1.0, 1.0), (0.50, 0.68, 0.17, 1.05, 0.44, 1.05), (0.26, 1.02, 0.44), 0.021),
    Protocol(
        "T2", (54, 256, 256), (3.0, 0.9375, 0.9375), (0.47, 0.33, 1.02, 0.62, 0.20, 0.07), (0.88, 0.52, 0.72), 0.018
    ),
    Protocol(
        "FLAIR", (54, 256, 256), (3.0, 0.9375, 0.9375), (0.50, 0.40, 0.07, 0.62, 0.26, 0.12), (0.42, 0.66, 0.90), 0.020
    ),
)


@dataclass(frozen=True, slots=True)
class BrainImage:
    """One sequence and its truth on the same grid."""

    sequence: str
    volume: Volume
    truth: LabelMap


@dataclass(frozen=True, slots=True)
class BrainExamination:
    """One date.

    Attributes
    ----------
    images
        In the order of `PROTOCOLS`.
    head_to_patient_mm
        4x4, from the head's own frame (LPS axes, mm, equal at all dates) to patient LPS at this date: rigid.
    """

    images: tuple[BrainImage, ...]
    head_to_patient_mm: npt.NDArray[np.float64]

    def image(self, sequence: str) -> BrainImage:
        """Return one sequence by name."""
        return next(image for image in self.images if image.sequence == sequence)


GLIOMA_COURSE: tuple[tuple[Glioma, ...], ...] = tuple(
    (
        Glioma(
            centre_mm=(30.0, 12.0, -31.0),
            radii_mm=(radius, 1.12 * radius, 0.95 * radius),
            lobes=(((-0.2, -0.9, 0.25), 0.62), ((0.55, 0.6, -0.3), 0.5)),
            rim_mm=rim,
            oedema_mm=oedema,
        ),
        *(
            (Glioma((36.0, 47.0, -27.0), (satellite, satellite, satellite), (), 9.0, 4.0, 0.1),)
            if satellite > 0
            else ()
        ),
    )
    for radius, rim, oedema, satellite in ((8.5, 2.6, 12.0, 0.0), (12.5, 3.0, 17.0, 0.0), (17.0, 3.5, 21.0, 4.2))
)
"""The tumour at each of three dates; at the last a small satellite has come."""


def generate_brain_mr(
    seed: int,
    timepoint: int,
    *,
    protocols: Sequence[Protocol] = PROTOCOLS,
    course: Sequence[Sequence[Glioma]] = GLIOMA_COURSE,
) -> BrainExamination:
    """Generate one date of a patient.

    Parameters
    ----------
    seed
        The patient: anatomy, the tumour's shape.
    timepoint
        Index into ``course``.
    protocols
        The sequences wanted; smaller shapes are quicker.

    Returns
    -------
    BrainExamination
        Volumes are "MR", uint16; truth has the segments of `GLIOMA_SEGMENTS`. Equal arguments give equal bytes.
    """
    tissues, tumour = _grow(seed, course[timepoint])
    pose = _pose(seed, timepoint)
    images = []
    for number, protocol in enumerate(protocols):
        rng = np.random.default_rng((seed, timepoint, number))
        signal = _signal(tissues, tumour, protocol, seed)
        images.append(_acquire(rng, signal, tumour, protocol, pose))
    return BrainExamination(tuple(images), pose)


@lru_cache(maxsize=1)
def _anatomy(seed: int) -> HeadTissues:
    """Return the head warped into one person: sides differ, gyri are this person's own."""
    head = load_head()
    rng = np.random.default_rng((seed, 1))
    shape = head.fluid.shape
    places = [np.broadcast_to(axis, shape) for axis in open_grid(shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))]
    warped = [
        axis
        + np.float32(2.2) * smooth_noise(rng, shape, (1.0, 1.0, 1.0), scale_mm=38.0)
        + np.float32(0.75) * smooth_noise(rng, shape, (1.0, 1.0, 1.0), scale_mm=9.0)
        for axis in places
    ]
    return HeadTissues(*(ndimage.map_coordinates(c, warped, order=1, mode="nearest") for c in head.channels()))


@dataclass(frozen=True, slots=True)
class _Tumour:
    window: Window
    shares: LesionShares


def _grow(seed: int, lesions: Sequence[Glioma]) -> tuple[tuple[npt.NDArray[np.uint8], ...], _Tumour]:
    """Draw the lesions into the person's head and push the tissue around the first one aside."""
    person = _anatomy(seed)
    main = lesions[0]
    reach = 62.0
    at = open_grid(person.fluid.shape, (1.0, 1.0, 1.0), ORIGIN_MM)
    window, here = at.within([c - reach for c in main.centre_mm], [c + reach for c in main.centre_mm])
    moved = _push_aside(person, window, here, main)
    brain = np.clip((moved[0].astype(np.float32) + moved[1]) / 255.0, 0.0, 1.0)
    white = moved[1].astype(np.float32) / np.float32(255.0)
    drawn = [
        draw_glioma(np.random.default_rng((seed, 2, number)), lesion, here, (1.0, 1.0, 1.0), white, brain)
        for number, lesion in enumerate(lesions)
    ]
    channels = []
    for channel, patch in zip(person.channels(), moved, strict=True):
        changed = channel.copy()
        changed[window] = patch
        channels.append(changed)
    return tuple(channels), _Tumour(window, reduce(LesionShares.over, drawn))


def _push_aside(person: HeadTissues, window: Window, at: Coordinates, main: Glioma) -> list[npt.NDArray[np.uint8]]:
    """Move the tissue around a tumour outwards: mass effect, fading with distance; skull and scalp stay."""
    radius = main.mean_radius_mm
    relative = [np.broadcast_to(axis - c, at.shape) for axis, c in zip(at, main.centre_mm, strict=True)]
    distance = np.sqrt(relative[0] ** 2 + relative[1] ** 2 + relative[2] ** 2)
    inner = np.clip(distance / radius, 0.0, 1.0)
    pull = np.float32(0.42 * radius) * np.exp(-((np.maximum(distance - radius, 0.0) / 20.0) ** 2)) * inner
    soft = sum(person.channels()[n][window].astype(np.float32) for n in range(3)) / np.float32(255.0)
    pull = pull * np.clip(ndimage.gaussian_filter(soft, 4.0) * 2.0 - 1.0, 0.0, 1.0) / np.maximum(distance, 1.0)
    index = open_grid(at.shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    places = [i - r * pull for i, r in zip(index, relative, strict=True)]
    return [ndimage.map_coordinates(c[window], places, order=1, mode="nearest") for c in person.channels()]


def _pose(seed: int, timepoint: int) -> npt.NDArray[np.float64]:
    """Return how the head lies in the scanner: a few degrees, a few millimetres."""
    rng = np.random.default_rng((seed, 3, timepoint))
    angles = np.deg2rad(rng.uniform(-4.5, 4.5, 3))
    pose = np.eye(4)
    for axis, angle in enumerate(angles):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(4)
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        pose = pose @ turn
    pose[:3, 3] = rng.uniform(-5.0, 5.0, 3)
    return pose


def _signal(tissues: Sequence[npt.NDArray[np.uint8]], tumour: _Tumour, protocol: Protocol, seed: int) -> Field:
    """Return the signal on the head's own grid: tissues by their shares, the lesion over them, fine texture."""
    signal = np.zeros(tissues[0].shape, dtype=np.float32)
    for value, share in zip(protocol.tissues, tissues, strict=True):
        signal += np.float32(value / 255.0) * share
    rng = np.random.default_rng((seed, 4))
    signal *= np.float32(1.0) + np.float32(0.018) * fractal_noise(
        rng, signal.shape, (1.0, 1.0, 1.0), scale_mm=5.0, octaves=2
    )
    shares, patch = tumour.shares, signal[tumour.window]
    mottle = np.float32(1.0) + np.float32(0.07) * fractal_noise(rng, patch.shape, (1.0, 1.0, 1.0), scale_mm=6.0)
    patch *= 1 - shares.necrosis - shares.enhancing - shares.oedema
    for value, part in zip(protocol.lesion, shares.fields(), strict=True):
        patch += np.float32(value) * mottle * part
    return signal


def _acquire(
    rng: np.random.Generator, signal: Field, tumour: _Tumour, protocol: Protocol, pose: npt.NDArray[np.float64]
) -> BrainImage:
    """Cut the slices out of the head: slice profile, pose, coil shading, Rician noise, whole numbers."""
    shape, spacing = protocol.shape, protocol.spacing_mm
    extent = [(n - 1) * s for n, s in zip(shape, spacing, strict=True)]
    centre = (14.0, 4.0, 0.0)
    origin = tuple(c - e / 2.0 for c, e in zip(centre, extent, strict=True))
    geometry = VolumeGeometry(shape, spacing, (origin[2], origin[1], origin[0]), AXIAL)
    to_index = _patient_to_head_index(geometry, pose)
    blur = [max(s - 1.0, 0.0) / 2.355 + 0.25 for s in spacing]
    sampled = _sample(ndimage.gaussian_filter(signal, blur, truncate=2.5), to_index, shape)
    shaded = sampled * bias_field(rng, shape, spacing, strength=0.07)
    voxels = np.clip(rician(rng, shaded, sigma=protocol.noise) * 1000.0, 0.0, 4095.0)
    first = np.asarray([w.start for w in tumour.window], dtype=np.float64)
    shift = to_index.copy()
    shift[:3, 3] -= first
    shares = LesionShares(*(_sample(s, shift, shape) for s in tumour.shares.fields()))
    labels = np.zeros(shape, dtype=np.uint8)
    label_shares(labels, shares)
    return BrainImage(
        protocol.name,
        Volume(np.round(voxels).astype(np.uint16), geometry, "MR"),
        LabelMap(labels, geometry, GLIOMA_SEGMENTS),
    )


def _patient_to_head_index(geometry: VolumeGeometry, pose: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the 4x4 matrix from an image's voxel indices to indices of the head's own grid."""
    lps_to_zyx = np.eye(4)[[2, 1, 0, 3]]
    head_mm = lps_to_zyx @ np.linalg.inv(pose) @ geometry.index_to_patient_mm
    head_mm[:3, 3] -= ORIGIN_MM
    return np.asarray(head_mm)


def _sample(field: Field, matrix: npt.NDArray[np.float64], shape: tuple[int, int, int]) -> Field:
    return np.asarray(
        ndimage.affine_transform(
            field, matrix[:3, :3], matrix[:3, 3], shape, output=np.float32, order=1, mode="constant"
        )
    )
