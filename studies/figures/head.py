"""Circumference and diameters of a fetal head: those of the ellipse that fits its outline best.

The outline runs between marked and unmarked pixels; an ellipse is fitted to it by least squares. The circumference is
the ellipse's perimeter, the biparietal diameter its shorter axis and the occipitofrontal diameter its longer one, outer
edge to outer edge where the skull is marked.

References
----------
Halir R, Flusser J, WSCG 1998 (the fit). Salomon LJ et al., ISUOG Practice Guidelines, Ultrasound Obstet Gynecol
2019;53:715-723, DOI 10.1002/uog.20272 (the measures).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, pi

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.special import ellipe
from skimage.measure import EllipseModel, find_contours

from studies.figures.figure import Figure, FigureCaution, FigureKind, UnknownReason
from studies.tracking.intervals import Interval

Mask = npt.NDArray[np.bool_]
FEWEST_POINTS = 12
POOR_SHARE = 0.05
"""Of the mean radius: an outline that lies further than this from its ellipse, root mean square, is none."""
_KINDS = (
    FigureKind.HEAD_CIRCUMFERENCE,
    FigureKind.BIPARIETAL_DIAMETER,
    FigureKind.OCCIPITOFRONTAL_DIAMETER,
)


@dataclass(frozen=True, slots=True)
class FittedEllipse:
    """An ellipse in mm, and how far the outline lies from it.

    Attributes
    ----------
    semi_major_mm, semi_minor_mm
        Half its axes.
    residual_mm
        Root mean square of the outline points' distances from it.
    """

    semi_major_mm: float
    semi_minor_mm: float
    residual_mm: float

    @property
    def perimeter_mm(self) -> float:
        """The exact perimeter, by the complete elliptic integral of the second kind."""
        return 4.0 * self.semi_major_mm * float(ellipe(1.0 - (self.semi_minor_mm / self.semi_major_mm) ** 2))


def fit_ellipse(mask: Mask, pixel_mm: tuple[float, float]) -> FittedEllipse | None:
    """Return the ellipse that fits the outline of a mask's largest part, axes (row, column); None where none does."""
    contours = find_contours(np.pad(_keep_largest(mask), 1).astype(np.float64), 0.5)
    if not contours:
        return None
    points = max(contours, key=len)[:-1, ::-1] * np.asarray(pixel_mm)[::-1]
    centred = points - points.mean(axis=0)
    if len(points) < FEWEST_POINTS:
        return None
    model = EllipseModel.from_estimate(centred)
    if not model:
        return None
    axes = sorted(float(axis) for axis in model.axis_lengths)
    if not np.isfinite(axes).all() or axes[0] <= 0:
        return None
    return FittedEllipse(axes[1], axes[0], _find_residual(model, centred))


def _find_residual(model: EllipseModel, points: npt.NDArray[np.float64]) -> float:
    """Return the root mean square of points' distances from an ellipse, seen from its centre."""
    across, along = np.asarray(model.axis_lengths), points - np.asarray(model.center)
    cosine, sine = np.cos(model.theta), np.sin(model.theta)
    own = along @ np.array([[cosine, -sine], [sine, cosine]])
    radii = np.linalg.norm(own, axis=1)
    scale = np.sqrt(((own / across) ** 2).sum(axis=1))
    return float(np.sqrt(np.mean((radii - radii / scale) ** 2)))


def measure_head(masks: Mask, *, pixel_mm: tuple[float, float] | None, segment_number: int) -> tuple[Figure, ...]:
    """Return circumference, BPD and OFD in mm of the image in which the head is largest; nothing where none is marked.

    Parameters
    ----------
    masks
        The head, axes (frame, row, column).
    pixel_mm
        (between rows, between columns); None where the header gives none.

    The interval is what remains open where the outline may lie half a pixel further in or out all around and by as much
    as it departs from the ellipse.
    """
    areas = np.count_nonzero(masks, axis=(1, 2))
    if not areas.any():
        return ()
    frame_index = int(areas.argmax())
    if pixel_mm is None:
        return _unknown(segment_number, frame_index, UnknownReason.NO_PIXEL_SIZE)
    mask = masks[frame_index]
    ellipse = fit_ellipse(mask, pixel_mm)
    if ellipse is None:
        return _unknown(segment_number, frame_index, UnknownReason.NO_ELLIPSE)
    reach = hypot(sum(pixel_mm) / 4.0, ellipse.residual_mm)
    cautions = _find_cautions(mask, ellipse)
    sizes = (ellipse.perimeter_mm, 2.0 * ellipse.semi_minor_mm, 2.0 * ellipse.semi_major_mm)
    reaches = (2.0 * pi * reach, 2.0 * reach, 2.0 * reach)
    return tuple(
        Figure(
            kind,
            segment_number,
            size,
            "mm",
            Interval(max(0.0, size - around), size + around),
            frame_index=frame_index,
            cautions=cautions,
        )
        for kind, size, around in zip(_KINDS, sizes, reaches, strict=True)
    )


def _keep_largest(mask: Mask) -> Mask:
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(parts.reshape(-1))[1:]
    return np.asarray(parts == int(sizes.argmax()) + 1)


def _find_cautions(mask: Mask, ellipse: FittedEllipse) -> tuple[FigureCaution, ...]:
    mean_radius = (ellipse.semi_major_mm + ellipse.semi_minor_mm) / 2.0
    edges = mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()
    found = (
        (FigureCaution.POOR_ELLIPSE, ellipse.residual_mm > POOR_SHARE * mean_radius),
        (FigureCaution.CUT_OFF, bool(edges)),
    )
    return tuple(caution for caution, is_so in found if is_so)


def _unknown(segment_number: int, frame_index: int, reason: UnknownReason) -> tuple[Figure, ...]:
    return tuple(Figure(kind, segment_number, None, "mm", unknown=reason, frame_index=frame_index) for kind in _KINDS)
