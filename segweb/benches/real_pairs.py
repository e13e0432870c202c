"""Real images: which changed lesions of a real pair are found, and a real tumour with a synthetic second date."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK
from scipy import ndimage
from scipy.spatial import cKDTree

from inference.classical.region_growing import grow_region
from segweb.benches.registration import DATA, PAIR, Case, read_pair, read_transform
from studies.imaging.geometry import VolumeGeometry
from studies.imaging.registration import Registration, register
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap
from studies.label_maps.nifti import read_nifti
from studies.tracking.change import find_change
from studies.tracking.components import Lesion, find_lesions
from studies.tracking.evidence import PlacedLesion
from studies.tracking.matching import LinkKind, Proposal, propose_matches
from studies.tracking.measurement import LesionMeasurement, measure_lesions
from studies.tracking.measurement_error import Measured
from studies.tracking.repeatability import Quantity, Readers

DESCRIPTION = "changed lesions found, missed and falsely flagged on a real pair; a real tumour grown by a known factor"
TUMOUR = "mr_vs_seg_001/dicom"
TUMOUR_SEED = (20, 284, 312)
"""(slice, row, column) of a click into the tumour."""
LESION_Z, LEAST_Z, DIFFERENCE_Z = 1.75, 0.5, 4.0
"""Robust standard deviations: a lesion on one date; what must be bright to count as changed; of the difference."""
LESION_BLUR_MM, DIFFERENCE_BLUR_MM = 0.7, 1.0
SMALLEST_ML = 0.03
CHANGED_SHARE = 0.5
EDGE_MM = 6.0
TOUCH_MM = 2.0
Mask = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float64]
itk: Any = SimpleITK  # not typed


@dataclass(frozen=True, slots=True)
class Scored:
    """An image in robust standard deviations of the brain, and the depth of each voxel below the brain's surface."""

    values: npt.NDArray[np.float32]
    depth_mm: npt.NDArray[np.float32]
    geometry: VolumeGeometry

    def smooth(self, blur_mm: float) -> npt.NDArray[np.float32]:
        """Return the values, blurred."""
        blurred = ndimage.gaussian_filter(self.values, [blur_mm / step for step in self.geometry.spacing_mm])
        return np.asarray(blurred, dtype=np.float32)

    def carried(self, way: Matrix, geometry: VolumeGeometry) -> Scored:
        """Return it on another grid; outside it lies at depth 0."""
        matrix = np.linalg.inv(way @ self.geometry.index_to_patient_mm) @ geometry.index_to_patient_mm
        values, depth = (
            ndimage.affine_transform(each, matrix[:3, :3], matrix[:3, 3], output_shape=geometry.shape, order=1)
            for each in (self.values, self.depth_mm)
        )
        return Scored(values, depth, geometry)


@dataclass(frozen=True, slots=True)
class Flag:
    """A place that is said to have changed: its voxel centres in the space of the second date, mm."""

    kind: str
    points_mm: Matrix
    must_ask: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the folder of the data and the growth put into the tumour."""
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--growth", type=float, default=1.25, help="factor of the tumour's diameters")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Report both; what is not at hand is said."""
    pair = read_pair(options.data)
    missing = f"not at hand: {options.data} has no "
    is_tumour_there = (options.data / TUMOUR).is_dir()
    return {
        "multiple_sclerosis": missing + PAIR if pair is None else report_change(pair, options.data / PAIR),
        "tumour": report_tumour(options.data / TUMOUR, options.growth) if is_tumour_there else missing + TUMOUR,
    }


def report_change(pair: Case, folder: Path) -> dict[str, object]:
    """Register, find lesions on both dates, match them, and compare what changed with the experts' mask."""
    started = time.perf_counter()
    found = register(pair.prior, pair.current)
    ways = [read_transform(folder / f"study{number}_FLAIR_to_common_space.txt") for number in (1, 2)]
    brain = read_nifti(folder / "brainmask.nii.gz")
    scores = [
        _standardise(volume, _carry(brain, volume.geometry, way))
        for volume, way in zip((pair.prior, pair.current), ways, strict=True)
    ]
    truth = _truth(read_nifti(folder / "gt.nii.gz"), ways[1])
    matched, proposals = _flags_by_matching(scores, found)
    difference = _flags_by_difference(scores, found)
    return {
        "registration": _registration_figures(pair, found),
        "changed_lesions_of_the_experts": {"n": len(truth), "ml": [round(volume, 2) for _, volume in truth]},
        "by_matching_lesions": {
            "proposals": dict(Counter(each.reading.kind.value for each in proposals)),
            "asked": sum(each.must_ask for each in proposals),
            **_compare(matched, truth),
        },
        "by_difference": _compare(difference, truth),
        "seconds": round(time.perf_counter() - started, 1),
        "method": f"Lesions: FLAIR above {LESION_Z} robust standard deviations of the brain (mask of the data set, "
        f"{EDGE_MM:g} mm taken off), at least {SMALLEST_ML} mL. Flagged: new, vanished, or a volume that changed by "
        f"{CHANGED_SHARE:.0%} and beyond both grids. By difference: the standardised images are "
        f"{DIFFERENCE_Z} robust standard deviations of their difference apart. Thresholds were chosen on this "
        f"one pair. Found: a flag within {TOUCH_MM:g} mm.",
    }


def report_tumour(folder: Path, growth: float) -> dict[str, object]:
    """Grow a real tumour by a known factor, move the patient, and follow it."""
    prior = _read_series(folder)
    first = _grow(prior, TUMOUR_SEED)
    (before,) = measure_lesions(first, revision_digest="first")
    true = _known_way()
    current = _second_date(prior, np.asarray(before.centroid_mm), growth, true)
    found = register(prior, current)
    middle = np.asarray(before.centroid_mm)
    click = _index_of(current.geometry, found.prior_to_current_mm @ [*middle, 1.0])
    second = _grow(current, click)
    after = max(measure_lesions(second, revision_digest="second"), key=lambda each: each.voxel_count)
    proposals = propose_matches(
        [PlacedLesion("prior", find_lesions(first)[0], first.geometry, found.prior_to_current_mm)],
        [PlacedLesion("current", max(find_lesions(second), key=lambda e: e.voxel_count), second.geometry)],
    )
    error = float(np.linalg.norm(((found.prior_to_current_mm - true) @ [*middle, 1.0])[:3]))
    return {
        "registration_error_at_the_tumour_mm": round(error, 2),
        "registration_is_trusted": found.is_trusted,
        "identity_kept": [each.reading.kind for each in proposals] == [LinkKind.SAME],
        "confidence": round(proposals[0].confidence, 3),
        "must_ask": proposals[0].must_ask,
        "diameter": _growth_figures(before, after, growth),
        "volume": _volume_figures(before, after, growth),
        "method": f"Tumour by region growing from one click; the second date is the first, the tumour grown by "
        f"{growth:g} in each direction (its surroundings pushed aside), turned by 4 degrees, shifted by 12 mm, sampled "
        "on slices of 2 mm with new noise, and grown again from the same place carried over by the registration.",
    }


def _standardise(volume: Volume, brain: Mask) -> Scored:
    """Return robust standard deviations from the brain's median, and how deep in the brain a voxel lies."""
    values = np.asarray(volume.voxels, dtype=np.float32)
    middle = float(np.median(values[brain]))
    spread = 1.4826 * float(np.median(np.abs(values[brain] - middle)))
    depth = ndimage.distance_transform_edt(brain, sampling=volume.geometry.spacing_mm)
    return Scored(((values - middle) / spread).astype(np.float32), depth.astype(np.float32), volume.geometry)


def _carry(mask: LabelMap, geometry: VolumeGeometry, to_grid: Matrix) -> Mask:
    """Return a mask on another grid, nearest voxel; `to_grid` leads from the mask's space to the grid's."""
    matrix = np.linalg.inv(to_grid @ mask.geometry.index_to_patient_mm) @ geometry.index_to_patient_mm
    carried = ndimage.affine_transform(
        mask.voxels.astype(np.uint8), matrix[:3, :3], matrix[:3, 3], output_shape=geometry.shape, order=0
    )
    result: Mask = carried > 0
    return result


def _truth(change: LabelMap, to_current: Matrix) -> list[tuple[Matrix, float]]:
    """Return the experts' changed lesions: voxel centres in the space of the second date, and mL."""
    return [
        (_points(lesion, to_current @ change.geometry.index_to_patient_mm), _volume(lesion, change.geometry))
        for lesion in find_lesions(LabelMap((change.voxels > 0).astype(np.uint8), change.geometry))
    ]


def _lesions(scored: Scored) -> LabelMap:
    """Return what is bright, pieces below the smallest volume taken out."""
    return _without_specks((scored.smooth(LESION_BLUR_MM) > LESION_Z) & (scored.depth_mm > EDGE_MM), scored.geometry)


def _without_specks(mask: Mask, geometry: VolumeGeometry) -> LabelMap:
    fewest = max(2, int(np.ceil(SMALLEST_ML / geometry.voxel_volume_ml)))
    kept = np.zeros(geometry.shape, np.uint8)
    for lesion in find_lesions(LabelMap(mask.astype(np.uint8), geometry), smallest_voxel_count=fewest):
        kept[lesion.box][lesion.mask] = 1
    return LabelMap(kept, geometry)


def _flags_by_matching(scores: Sequence[Scored], found: Registration) -> tuple[list[Flag], tuple[Proposal, ...]]:
    maps = [_lesions(each) for each in scores]
    ways = (found.prior_to_current_mm, np.eye(4))
    placed: list[list[PlacedLesion]] = []
    measured: dict[str, LesionMeasurement] = {}
    for date, (label_map, way) in enumerate(zip(maps, ways, strict=True)):
        lesions = find_lesions(label_map)
        placed.append([PlacedLesion(f"{date}.{n}", each, label_map.geometry, way) for n, each in enumerate(lesions)])
        sizes = measure_lesions(label_map, revision_digest=str(date))
        measured |= {f"{date}.{n}": each for n, each in enumerate(sizes)}
    proposals = propose_matches(placed[0], placed[1])
    by_key = {each.key: each for each in (*placed[0], *placed[1])}
    flags = []
    for proposal in proposals:
        reading = proposal.reading
        if reading.kind in (LinkKind.NEW, LinkKind.VANISHED) or _is_changed(
            [measured[key] for key in reading.priors], [measured[key] for key in reading.currents]
        ):
            points = [_points(by_key[key].lesion, by_key[key].index_to_common_mm) for key in _members(proposal)]
            flags.append(Flag(reading.kind.value, np.concatenate(points), proposal.must_ask))
    return flags, proposals


def _members(proposal: Proposal) -> tuple[str, ...]:
    return (*proposal.reading.priors, *proposal.reading.currents)


def _is_changed(before: Sequence[LesionMeasurement], after: Sequence[LesionMeasurement]) -> bool:
    """Tell whether the summed volume changed by half, and by more than both grids leave open."""
    old, new = sum(each.volume.value for each in before), sum(each.volume.value for each in after)
    ends = [
        (sum(e.volume.interval.low for e in part), sum(e.volume.interval.high or np.inf for e in part))
        for part in (before, after)
    ]
    is_apart = ends[0][1] < ends[1][0] or ends[1][1] < ends[0][0]
    return is_apart and max(old, new) >= (1.0 + CHANGED_SHARE) * min(old, new)


def _flags_by_difference(scores: Sequence[Scored], found: Registration) -> list[Flag]:
    """Carry the prior scores onto the second date, take the difference, and keep what is bright on the brighter."""
    prior, current = scores[0].carried(found.prior_to_current_mm, scores[1].geometry), scores[1]
    geometry = current.geometry
    inside = (prior.depth_mm > EDGE_MM) & (current.depth_mm > EDGE_MM)
    apart = Scored(current.values - prior.values, current.depth_mm, geometry).smooth(DIFFERENCE_BLUR_MM)
    middle = float(np.median(apart[inside]))
    spread = 1.4826 * float(np.median(np.abs(apart[inside] - middle)))
    flags = []
    for kind, sign, brighter in (("brighter", 1.0, current), ("darker", -1.0, prior)):
        is_apart = sign * (apart - middle) > DIFFERENCE_Z * spread
        mask = inside & is_apart & (brighter.smooth(LESION_BLUR_MM) > LEAST_Z)
        for lesion in find_lesions(_without_specks(mask, geometry)):
            flags.append(Flag(kind, _points(lesion, geometry.index_to_patient_mm), must_ask=True))
    return flags


def _compare(flags: Sequence[Flag], truth: Sequence[tuple[Matrix, float]]) -> dict[str, object]:
    trees = [cKDTree(each.points_mm) for each in flags]
    touches = np.zeros((len(truth), len(flags)), dtype=bool)
    for row, (points, _) in enumerate(truth):
        for column, tree in enumerate(trees):
            touches[row, column] = float(np.min(tree.query(points)[0])) <= TOUCH_MM
    found = touches.any(axis=1)
    false = ~touches.any(axis=0)
    volumes = np.array([volume for _, volume in truth])
    return {
        "flagged": len(flags),
        "found": f"{int(found.sum())} of {len(truth)}",
        "found_ml": f"{float(volumes[found].sum()):.2f} of {float(volumes.sum()):.2f}",
        "missed_ml": [round(float(volume), 2) for volume in volumes[~found]],
        "falsely_flagged": int(false.sum()),
        "falsely_flagged_without_asking": sum(not flags[place].must_ask for place in np.flatnonzero(false).tolist()),
        "falsely_flagged_kinds": dict(Counter(flags[place].kind for place in np.flatnonzero(false).tolist())),
    }


def _registration_figures(pair: Case, found: Registration) -> dict[str, object]:
    if pair.true is None:
        raise ValueError("The pair comes with the authors' way.")
    apart = (found.prior_to_current_mm - pair.true)[:3]
    errors = np.linalg.norm(pair.targets_mm @ apart[:, :3].T + apart[:, 3], axis=1)
    return {
        "is_trusted": found.is_trusted,
        "confidence": round(found.confidence, 2),
        "residual_mm": round(found.residual_mm, 2),
        "median_distance_from_the_authors_mm": round(float(np.median(errors)), 2),
    }


def _points(lesion: Lesion, matrix: Matrix) -> Matrix:
    points: Matrix = lesion.voxel_indices() @ matrix[:3, :3].T + matrix[:3, 3]
    return points


def _volume(lesion: Lesion, geometry: VolumeGeometry) -> float:
    return lesion.voxel_count * geometry.voxel_volume_ml


def _read_series(folder: Path) -> Volume:
    reader = itk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    direction = [float(value) for value in np.reshape(image.GetDirection(), (3, 3))[:, ::-1].reshape(-1)]
    voxels = itk.GetArrayFromImage(image).astype(np.float32)
    d = direction
    geometry = VolumeGeometry(
        voxels.shape,
        tuple(reversed(image.GetSpacing())),
        tuple(image.GetOrigin()),
        (d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8]),
    )
    return Volume(voxels, geometry, "MR")


def _grow(volume: Volume, seed: tuple[int, int, int]) -> LabelMap:
    voxels: Any = volume.voxels
    mask = grow_region(voxels, seed, spacing_mm=volume.geometry.spacing_mm, tolerance=1.0, largest_ml=30.0)
    return LabelMap(mask.astype(np.uint8), volume.geometry)


def _known_way() -> Matrix:
    angle = np.radians(4.0)
    way = np.eye(4)
    way[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    way[:3, 3] = (8.0, -7.0, 5.0)
    return way


def _second_date(prior: Volume, centre_mm: Matrix, growth: float, way: Matrix) -> Volume:
    """Sample the first date where each place of the second came from: inside 16 mm of the tumour's middle from
    `growth` times nearer, from there to 36 mm less and less, beyond from where the way alone says.
    """
    affine = prior.geometry.index_to_patient_mm
    there = (way @ affine)[:3]
    spacing = (2.0, prior.geometry.spacing_mm[1] * 1.5, prior.geometry.spacing_mm[2] * 1.5)
    ratio = np.asarray(prior.geometry.spacing_mm) / spacing
    sizes = [int(n) for n in np.asarray(prior.geometry.shape) * ratio]
    x, y, z = (float(value) for value in there[:, 3])
    geometry = VolumeGeometry((sizes[0], sizes[1], sizes[2]), spacing, (x, y, z), prior.geometry.direction)
    grid = geometry.index_to_patient_mm
    back = np.linalg.inv(way)
    back_to_index = np.linalg.inv(affine)
    values_before = np.asarray(prior.voxels, dtype=np.float32)
    slices = []
    rows = np.stack(np.meshgrid(np.arange(sizes[1]), np.arange(sizes[2]), indexing="ij"), axis=-1)
    for number in range(sizes[0]):
        places = grid[:3, 0] * number + rows @ grid[:3, 1:3].T + grid[:3, 3]
        offset = places @ back[:3, :3].T + back[:3, 3] - centre_mm
        distance = np.linalg.norm(offset, axis=-1)
        fade = np.clip((distance - 16.0 * growth) / (20.0 * growth), 0.0, 1.0)
        source = offset * (1.0 / growth + (1.0 - 1.0 / growth) * fade)[..., None] + centre_mm
        index = source @ back_to_index[:3, :3].T + back_to_index[:3, 3]
        slices.append(ndimage.map_coordinates(values_before, np.moveaxis(index, -1, 0), order=1, mode="nearest"))
    values = np.stack(slices)
    noise = np.random.default_rng(3).normal(0.0, 0.02 * float(np.percentile(values, 99)), values.shape)
    return Volume((values + noise).astype(np.float32), geometry, "MR")


def _index_of(geometry: VolumeGeometry, place_mm: Matrix) -> tuple[int, int, int]:
    index = np.rint(np.linalg.inv(geometry.index_to_patient_mm) @ place_mm).astype(int)
    return (int(index[0]), int(index[1]), int(index[2]))


def _growth_figures(before: LesionMeasurement, after: LesionMeasurement, growth: float) -> dict[str, object]:
    old, new = before.longest_diameter, after.longest_diameter
    change = find_change(
        Quantity.LONGEST_DIAMETER,
        Measured.of(old.value, (old.interval.low, old.interval.high)),
        Measured.of(new.value, (new.interval.low, new.interval.high)),
        readers=Readers.ONE,
    )
    if change.interval is None or change.percent is None or change.interval.high_percent is None:
        raise ValueError(change.unknown_because)
    true = (growth - 1.0) * 100.0
    return {
        "mm": [round(old.value, 1), round(new.value, 1)],
        "true_percent": round(true, 1),
        "measured_percent": round(change.percent, 1),
        "interval_percent": [round(change.interval.low_percent, 1), round(change.interval.high_percent, 1)],
        "truth_within_interval": change.interval.low_percent <= true <= change.interval.high_percent,
        "growth_probability": round(change.growth_probability or 0.0, 4),
    }


def _volume_figures(before: LesionMeasurement, after: LesionMeasurement, growth: float) -> dict[str, object]:
    old, new = before.volume, after.volume
    return {
        "ml": [round(old.value, 2), round(new.value, 2)],
        "true_percent": round((growth**3 - 1.0) * 100.0, 1),
        "measured_percent": round((new.value / old.value - 1.0) * 100.0, 1),
        "interval": "unknown, because no repeatability figure is known for this tumour's volume in MR",
    }
