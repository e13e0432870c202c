"""Lays two volumes of one patient over each other, and says when that failed.

Rigid first, then affine, by mutual information from coarse to fine (SimpleITK). The second volume is also laid over the
first, independently: where there and back again does not lead home the result is not trusted. The sampling is seeded:
the same input gives the same way to less than a nanometre, the rounding of sums taken in another order.

References
----------
Mattes D et al., IEEE Trans Med Imaging 2003;22:120-128. DOI 10.1109/TMI.2003.809072 (mutual information). Christensen
GE, Johnson HJ, IEEE Trans Med Imaging 2001;20:568-582 (inverse consistency).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK

from studies.imaging.geometry import VolumeGeometry
from studies.imaging.volume import Volume

Matrix = npt.NDArray[np.float64]

itk: Any = SimpleITK
SEED = 20260101
GRID_MM = 3.0
MOST_RESIDUAL_MM = 2.5
LEAST_OVERLAP = 0.5
MOST_STRETCH = 0.12
NUDGE_MM = 12.0
LEAST_PEAK = 0.04
"""Mutual information, in nats, that a nudge of 12 mm must cost."""
MOVED_MM = 3.0
MOST_GAIN = 0.1
"""Share of what 12 mm cost that 3 mm may gain before the images are said to have moved."""
FEWEST_VOXELS = 8


class RegistrationProblem(StrEnum):
    """Why a registration should not be trusted; the codes never change."""

    NO_STRUCTURE = "registration.no_structure"
    LITTLE_OVERLAP = "registration.little_overlap"
    NOT_INVERTIBLE = "registration.there_and_back_disagree"
    STRETCHED = "registration.implausible_stretch"
    NO_PEAK = "registration.no_clear_optimum"
    STOPPED = "registration.optimiser_stopped"


@dataclass(frozen=True, slots=True)
class Registration:
    """Where points of the prior volume lie in the current one.

    Attributes
    ----------
    prior_to_current_mm
        4x4, patient LPS mm to patient LPS mm; the identity where nothing was found.
    rigid_mm
        The same without stretch and shear.
    residual_mm
        Root mean square distance by which prior -> current -> prior misses its start, over the prior's foreground.
    overlap
        Share of the prior's foreground that lies within the current volume, 0 to 1.
    confidence
        0 to 1; below 0.5 whenever there is a problem.
    problems
        Empty where the registration can be trusted.
    """

    prior_to_current_mm: Matrix
    rigid_mm: Matrix
    residual_mm: float
    overlap: float
    confidence: float
    problems: tuple[RegistrationProblem, ...]

    @property
    def is_trusted(self) -> bool:
        """Whether no problem was found."""
        return not self.problems


def register(prior: Volume, current: Volume) -> Registration:
    """Return the way from the prior volume to the current one, of the same patient."""
    if not (_has_structure(prior) and _has_structure(current)):
        return _failed(RegistrationProblem.NO_STRUCTURE)
    fixed, moving = _prepare(prior), _prepare(current)
    try:
        rigid, there = _register_one_way(fixed, moving)
        _, back = _register_one_way(moving, fixed)
    except RuntimeError:  # ITK gives up where samples leave the other image
        return _failed(RegistrationProblem.STOPPED)
    points = _foreground_points(fixed[1])
    residual_mm = _rms(_apply(back, _apply(there, points)) - points)
    overlap = _share_inside(_apply(there, points), current.geometry)
    peak = _peak_height(fixed, moving, there)
    stretch = float(np.abs(np.linalg.svd(there[:3, :3], compute_uv=False) - 1.0).max())
    found = {
        RegistrationProblem.LITTLE_OVERLAP: overlap < LEAST_OVERLAP,
        RegistrationProblem.NOT_INVERTIBLE: residual_mm > MOST_RESIDUAL_MM,
        RegistrationProblem.STRETCHED: stretch > MOST_STRETCH,
        RegistrationProblem.NO_PEAK: peak < LEAST_PEAK,
    }
    problems = tuple(problem for problem, is_so in found.items() if is_so)
    quality = overlap * float(np.exp(-residual_mm / MOST_RESIDUAL_MM)) * min(1.0, peak / (2.0 * LEAST_PEAK))
    confidence = max(0.0, min(quality, 0.49)) if problems else max(0.5, quality)
    return Registration(there, rigid, residual_mm, overlap, confidence, problems)


@dataclass(frozen=True, slots=True)
class FrameCheck:
    """Whether two volumes lie over each other as their shared coordinates say.

    Attributes
    ----------
    overlap
        Share of the first one's foreground that lies within the second.
    is_confirmed
        Whether the images fit best as they lie: a centimetre costs similarity and a few millimetres gain none. False
        where they do not tell, too: a PET may share little with a CT.
    """

    overlap: float
    is_confirmed: bool


def check_frame(first: Volume, second: Volume) -> FrameCheck:
    """Hold two volumes of one frame of reference against each other: a patient may have moved between them."""
    if not (_has_structure(first) and _has_structure(second)):
        return FrameCheck(0.0, is_confirmed=False)
    fixed, moving = _prepare(first), _prepare(second)
    overlap = _share_inside(_foreground_points(fixed[1]), second.geometry)
    try:
        here = _evaluate(fixed, moving, _affine(np.eye(4)))
        peak = float(np.mean(_losses(fixed, moving, np.eye(4), NUDGE_MM, here)))
        gain = -float(np.min(_losses(fixed, moving, np.eye(4), MOVED_MM, here)))
    except RuntimeError:  # no sample lies in both
        return FrameCheck(overlap, is_confirmed=False)
    return FrameCheck(overlap, is_confirmed=peak >= LEAST_PEAK and gain <= MOST_GAIN * peak)


def _failed(problem: RegistrationProblem) -> Registration:
    return Registration(np.eye(4), np.eye(4), float("inf"), 0.0, 0.0, (problem,))


def _has_structure(volume: Volume) -> bool:
    values = np.asarray(volume.voxels, dtype=np.float32)
    return bool(np.isfinite(values).all()) and float(values.std()) > 0.0 and min(values.shape) >= FEWEST_VOXELS


def _prepare(volume: Volume) -> tuple[Any, Any]:
    """Return the image with values from 0 to 1, and its foreground, on a cubic grid.

    The grid has 3 mm, or the shortest side of a voxel where that is longer.

    Thick slices would otherwise vanish in the coarse levels, and outliers fill the histogram.
    """
    geometry = volume.geometry
    values = np.asarray(volume.voxels, dtype=np.float32)
    low, high = (float(x) for x in np.percentile(values[:: max(1, len(values) // 32)], (0.5, 99.5)))
    scaled = np.clip((values - low) / max(high - low, 1e-6), 0.0, 1.0)
    image = itk.GetImageFromArray(scaled)
    image.SetSpacing(tuple(reversed(geometry.spacing_mm)))
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(tuple(np.reshape(geometry.direction, (3, 3))[:, ::-1].reshape(-1)))
    spacing = np.full(3, max(GRID_MM, min(geometry.spacing_mm)))
    size = np.maximum(np.round(np.asarray(image.GetSize()) * np.asarray(image.GetSpacing()) / spacing), FEWEST_VOXELS)
    smooth = itk.SmoothingRecursiveGaussian(image, 0.6)
    cubic = itk.Resample(
        smooth,
        [int(n) for n in size],
        itk.Transform(),
        itk.sitkLinear,
        image.GetOrigin(),
        [float(s) for s in spacing],
        image.GetDirection(),
        0.0,
        itk.sitkFloat32,
    )
    foreground = itk.OtsuThreshold(itk.SmoothingRecursiveGaussian(cubic, GRID_MM), 0, 1, 128)
    return cubic, itk.BinaryDilate(itk.Cast(foreground, itk.sitkUInt8), [3, 3, 3])


def _register_one_way(fixed: tuple[Any, Any], moving: tuple[Any, Any]) -> tuple[Matrix, Matrix]:
    """Return the rigid and the affine way from the fixed to the moving image."""
    rigid = min((_start(fixed, moving, kind) for kind in ("as they are", "geometry", "moments")), key=lambda s: s[0])[1]
    method = _method(fixed[1])
    method.SetInitialTransform(rigid, inPlace=True)
    method.Execute(fixed[0], moving[0])
    affine = itk.AffineTransform(3)
    affine.SetCenter(rigid.GetCenter())
    affine.SetMatrix(rigid.GetMatrix())
    affine.SetTranslation(rigid.GetTranslation())
    method = _method(fixed[1], levels=1)
    method.SetInitialTransform(affine, inPlace=True)
    method.Execute(fixed[0], moving[0])
    return _matrix(rigid), _matrix(affine)


def _start(fixed: tuple[Any, Any], moving: tuple[Any, Any], kind: str) -> tuple[float, Any]:
    """Return a start and its metric (lower is better): scanner coordinates, or middles laid over each other."""
    start = itk.Euler3DTransform()
    if kind == "as they are":
        start.SetCenter(fixed[0].TransformContinuousIndexToPhysicalPoint([n / 2.0 for n in fixed[0].GetSize()]))
    else:
        mode = itk.CenteredTransformInitializerFilter
        how = mode.GEOMETRY if kind == "geometry" else mode.MOMENTS
        start = itk.Euler3DTransform(itk.CenteredTransformInitializer(fixed[0], moving[0], start, how))
    try:
        return _evaluate(fixed, moving, start), start
    except RuntimeError:
        return np.inf, start


def _method(mask: Any, levels: int = 3) -> Any:
    method = itk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricFixedMask(mask)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentagePerLevel([0.5, 0.2, 0.1][-levels:], SEED)
    method.SetInterpolator(itk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.002, 200, relaxationFactor=0.7)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1][-levels:])
    method.SetSmoothingSigmasPerLevel([4.0, 2.0, 0.0][-levels:])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    return method


def _evaluate(fixed: tuple[Any, Any], moving: tuple[Any, Any], transform: Any) -> float:
    method = itk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricFixedMask(fixed[1])
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.2, SEED)
    method.SetInterpolator(itk.sitkLinear)
    method.SetInitialTransform(transform)
    return float(method.MetricEvaluate(fixed[0], moving[0]))


def _peak_height(fixed: tuple[Any, Any], moving: tuple[Any, Any], matrix: Matrix) -> float:
    """Return how much mutual information is lost on average by a nudge of 12 mm to either side along each axis."""
    return float(np.mean(_losses(fixed, moving, matrix, NUDGE_MM, _evaluate(fixed, moving, _affine(matrix)))))


def _losses(
    fixed: tuple[Any, Any], moving: tuple[Any, Any], matrix: Matrix, nudge_mm: float, here: float
) -> list[float]:
    """Return what each of six nudges along the axes costs, in nats."""
    losses = []
    for nudge in np.vstack([np.eye(3), -np.eye(3)]) * nudge_mm:
        moved = matrix.copy()
        moved[:3, 3] += nudge
        try:
            losses.append(_evaluate(fixed, moving, _affine(moved)) - here)
        except RuntimeError:
            losses.append(0.0)
    return losses


def _affine(matrix: Matrix) -> Any:
    transform = itk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].reshape(-1).tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    return transform


def _matrix(transform: Any) -> Matrix:
    """Return a centred transform as 4x4: x -> A (x - c) + c + t."""
    linear, centre = np.reshape(transform.GetMatrix(), (3, 3)), np.asarray(transform.GetCenter())
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = np.asarray(transform.GetTranslation()) + centre - linear @ centre
    return matrix


def _foreground_points(mask: Any) -> Matrix:
    """Return some thousand places of the foreground, patient LPS, shape (n, 3)."""
    indices = np.argwhere(itk.GetArrayViewFromImage(mask) > 0)[:, ::-1]
    chosen = indices[np.linspace(0, len(indices) - 1, min(len(indices), 4000)).astype(int)]
    direction = np.reshape(mask.GetDirection(), (3, 3)) * np.asarray(mask.GetSpacing())
    points: Matrix = chosen @ direction.T + np.asarray(mask.GetOrigin())
    return points


def _apply(matrix: npt.NDArray[np.floating], points: Matrix) -> Matrix:
    moved: Matrix = points @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def _share_inside(points: Matrix, geometry: VolumeGeometry) -> float:
    index = _apply(np.linalg.inv(geometry.index_to_patient_mm), points)
    return float(((index >= -0.5) & (index <= np.asarray(geometry.shape) - 0.5)).all(axis=1).mean())


def _rms(offsets: npt.NDArray[np.floating]) -> float:
    return float(np.sqrt((offsets**2).sum(axis=1).mean()))
