"""Digitised balls and ellipsoids at random places, and looking at every pair of corners."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from studies.imaging.geometry import VolumeGeometry
from studies.label_maps.label_map import LabelMap
from studies.tracking.components import Lesion, find_lesions

AXIAL = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Body:
    """An ellipsoid: what geometry says of it, and its voxels."""

    volume_ml: float
    longest_mm: float
    perpendicular_mm: float
    maximum_mm: float
    label_map: LabelMap
    lesion: Lesion


def grid(shape, spacing_mm=(1.0, 1.0, 1.0), direction=AXIAL, origin_mm=(0.0, 0.0, 0.0)) -> VolumeGeometry:
    return VolumeGeometry(tuple(shape), tuple(spacing_mm), origin_mm, tuple(float(x) for x in direction))


def leaning(degrees: float) -> tuple[float, ...]:
    """Axes of slices that lean about x while the table moves along z."""
    a = np.radians(degrees)
    return (0.0, 0.0, 1.0, 0.0, float(np.cos(a)), 0.0, 1.0, float(np.sin(a)), 0.0)


def draw_body(random: np.random.Generator, spacing_mm, radius_mm: float, direction=AXIAL) -> Body:
    """Draw an ellipsoid of about this radius, every third a ball, turned and shifted at random.

    With the form x' M x = 1 its section through the centre by the image plane has M restricted to that plane.
    """
    semi_axes = radius_mm * random.uniform(0.75, 1.25, 3)
    if random.integers(3) == 0:
        semi_axes[:] = semi_axes[0]
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    half = np.ceil(semi_axes.max() * 1.5 / np.asarray(spacing_mm)).astype(int) + 2
    geometry = grid(2 * half + 1, spacing_mm, direction)
    steps = geometry.index_to_patient_mm[:3, :3]
    centre = steps @ (half + random.uniform(-0.5, 0.5, 3))
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    inside = ((((index @ steps.T) - centre) @ turn / semi_axes) ** 2).sum(axis=-1) <= 1.0
    form = turn @ np.diag(1.0 / semi_axes**2) @ turn.T
    plane = np.linalg.qr(steps[:, 1:])[0]
    section = 2.0 / np.sqrt(np.linalg.eigvalsh(plane.T @ form @ plane))
    label_map = LabelMap(inside.astype(np.uint8), geometry)
    return Body(
        volume_ml=4 / 3 * np.pi * float(semi_axes.prod()) / 1000,
        longest_mm=float(section[0]),
        perpendicular_mm=float(section[1]),
        maximum_mm=2 * float(semi_axes.max()),
        label_map=label_map,
        lesion=max(find_lesions(label_map), key=lambda each: each.voxel_count),
    )


def corners_of(voxels: np.ndarray, geometry: VolumeGeometry, in_slice: bool) -> np.ndarray:
    """Corners of voxels (n, 3) in mm, one after another; the four in the slice or all eight."""
    offsets = itertools.product((0.0,) if in_slice else (-0.5, 0.5), (-0.5, 0.5), (-0.5, 0.5))
    found = np.unique(np.concatenate([voxels + np.asarray(offset) for offset in offsets]), axis=0)
    affine = geometry.index_to_patient_mm
    return found @ affine[:3, :3].T + affine[:3, 3]


def longest_pair_mm(points: np.ndarray) -> float:
    """The largest distance of all pairs."""
    return float(np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=-1).max()))
