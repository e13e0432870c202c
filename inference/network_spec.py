"""What the engine must know to run a network, as plain values that JSON can hold. Imports neither torch nor Django."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

Triple = tuple[int, int, int]
Argument = None | bool | int | float | str | tuple["Argument", ...] | Mapping[str, "Argument"]
"""What an architecture may be given."""

SLICE_ROW_COLUMN = "slice row column"
COLUMN_ROW_SLICE = "column row slice"
COLOURS = ("Red", "Green", "Blue")
"""Names of the channels that are one picture's colours, not series of a study."""
LEAST_VOLUME_SLICES = 8
"""With fewer, a network that looks along all axes would look at next to nothing along one."""
_OPPOSITE = {"R": "L", "L": "R", "A": "P", "P": "A", "S": "I", "I": "S"}


class Scheme(StrEnum):
    """How one channel's grey values become a network's input."""

    NONE = "none"
    BODY = "body"
    """(value - median) / spread of the body, cut at -5 and 10: what this project trains with."""
    TISSUE = "tissue"
    """(value - median) / spread of the body's middle half, cut at -8 and 8: tissue keeps its contrast beside fat."""
    Z_SCORE = "z_score"
    """(value - mean) / standard deviation of the channel."""
    Z_SCORE_NONZERO = "z_score_nonzero"
    """The same over the voxels that are not 0, which alone are changed."""
    CLIP_Z_SCORE = "clip_z_score"
    """Cut at `low` and `high`, then (value - `mean`) / `deviation`."""
    MIN_MAX = "min_max"
    """The channel's least and greatest value become `to_low` and `to_high`."""
    RANGE = "range"
    """`low` and `high` become `to_low` and `to_high`."""
    PERCENTILES = "percentiles"
    """The channel's `low`-th and `high`-th percentile become `to_low` and `to_high`."""


@dataclass(frozen=True, slots=True)
class Normalisation:
    """A scheme with its values; those that a scheme does not name are not used.

    Attributes
    ----------
    is_clipped
        RANGE and PERCENTILES: what lies outside is cut.
    """

    scheme: Scheme = Scheme.NONE
    low: float = 0.0
    high: float = 1.0
    mean: float = 0.0
    deviation: float = 1.0
    to_low: float = 0.0
    to_high: float = 1.0
    is_clipped: bool = True

    def __post_init__(self) -> None:
        values = (self.low, self.high, self.mean, self.deviation, self.to_low, self.to_high)
        if not all(math.isfinite(value) for value in values):
            raise ValueError("A normalisation needs finite numbers.")
        if self.scheme in (Scheme.RANGE, Scheme.PERCENTILES, Scheme.CLIP_Z_SCORE) and not self.low < self.high:
            raise ValueError(f"A normalisation needs a range, not {self.low:g} to {self.high:g}.")
        if self.scheme is Scheme.PERCENTILES and not 0 <= self.low < self.high <= 100:
            raise ValueError("Percentiles run from 0 to 100.")
        if self.scheme is Scheme.CLIP_Z_SCORE and self.deviation <= 0:
            raise ValueError("A standard deviation is positive.")


@dataclass(frozen=True, slots=True)
class InputChannel:
    """One input of a network.

    Attributes
    ----------
    name
        What it must be, as "T1 with contrast".
    normalisation
        Of its grey values.
    """

    name: str
    normalisation: Normalisation = Normalisation()


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file beside the manifest and the SHA-256 it must have."""

    path: str
    sha256: str


class GridPlacement(StrEnum):
    """Where the network's voxels lie when its spacing differs from the series'."""

    SAME_EXTENT = "same_extent"
    """The outer borders coincide."""
    SAME_FIRST_VOXEL = "same_first_voxel"
    """The centres of the first voxels coincide, as with MONAI's `Spacing`."""


class DecisionRule(StrEnum):
    """How scores become labels."""

    HIGHEST = "highest"
    """The class that scores highest; class 0 is background."""
    REGIONS = "regions"
    """Each score is a region of its own, on where its score exceeds the threshold; later ones paint over earlier."""


class Interpolated(StrEnum):
    """What is interpolated on the way back to the series' grid. Near a border between classes it decides the label."""

    SCORES = "scores"
    """As the network gives them."""
    SOFTMAX = "softmax"
    """Probabilities over all classes."""
    SIGMOID = "sigmoid"
    """Probabilities of each score by itself."""


@dataclass(frozen=True, slots=True)
class Decision:
    """From scores to labels.

    Attributes
    ----------
    rule
        Which way.
    labels
        REGIONS: the label that each score writes, in order of the scores.
    order
        REGIONS: the scores, by number, in order of writing; empty writes them as they come.
    threshold
        REGIONS: probability after the sigmoid above which a region is on.
    is_interpolated
        False takes the nearest voxel's label where the grids differ.
    interpolated
        What is interpolated otherwise.
    """

    rule: DecisionRule = DecisionRule.HIGHEST
    labels: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    threshold: float = 0.5
    is_interpolated: bool = True
    interpolated: Interpolated = Interpolated.SCORES

    def __post_init__(self) -> None:
        if self.rule is DecisionRule.REGIONS and self.interpolated is Interpolated.SOFTMAX:
            raise ValueError("Regions may lie within each other: their scores have no softmax.")
        if self.rule is DecisionRule.REGIONS and not self.labels:
            raise ValueError("Regions need the labels they write.")
        if self.order and sorted(self.order) != list(range(len(self.labels))):
            raise ValueError("The order of writing must name each region once.")
        if not 0 < self.threshold < 1:
            raise ValueError("A threshold lies between 0 and 1.")


@dataclass(frozen=True, slots=True)
class VolumeReading:
    """How a network of slices reads volumes: along three axes, each voxel getting the mean of its three scores.

    Attributes
    ----------
    finest_mm, coarsest_mm
        Bounds of the cubic voxels that all three planes are seen at: within them, the volume's longest side fills the
        window, as the slices did that were learnt from.
    orientation
        Three letters; slices, rows and columns as the network saw its slices, as "IPL".
    """

    finest_mm: float
    coarsest_mm: float
    orientation: str

    def __post_init__(self) -> None:
        if not 0 < self.finest_mm <= self.coarsest_mm < math.inf:
            raise ValueError(f"Voxels of {self.finest_mm} to {self.coarsest_mm} mm are no range.")
        check_orientation(self.orientation)


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """What the engine needs to run a network. Axes are the network's own: see `orientation`.

    Attributes
    ----------
    architecture
        Key in `inference.pipeline.networks`, or "torchscript", "onnx" or "nnunet" where files say what it is.
    arguments
        What the architecture is built with, besides input channels and scores.
    weights
        One file, or several whose scores are averaged.
    window
        Voxels of one forward pass.
    channels
        Inputs, in order.
    spacing_mm
        What the network was trained at; None runs on the image's own grid.
    longest_side
        Pixels that the longer side of a slice is brought to, where a network knows no millimetres; `spacing_mm` is None
        then. Slices are the first axis.
    placement
        How that grid lies on the series'.
    orientation
        Which way the network's three axes run: "slice row column", or these words in another order, or anatomically
        with three letters, "RAS" for to the right, to the front, upward. The volume is turned by whole axes and the
        label map turned back.
    overlap, grid
        Share of a window that the next one repeats, 0 to below 1, and whose windows and weights
        (`inference.pipeline.windows.GridRule`).
    pad_value
        What normalised images smaller than a window are extended with; None is their least value.
    flat_axis
        The axis that a 2D network does not see: its windows are one voxel thick there. None for 3D networks.
    mirror_axes
        Axes that are mirrored, in all combinations, for the average of all answers.
    decision
        From scores to labels.
    keep_largest
        Groups of labels, in order, of each of which only the largest connected part stays, on the series' own grid.
    volumes
        How a network of slices with a square window reads volumes; None takes their slices one by one. Pictures and
        stacks of few slices are always read slice by slice.
    """

    architecture: str
    arguments: Mapping[str, Argument] = field(hash=False)
    weights: tuple[WeightsFile, ...]
    window: Triple
    channels: tuple[InputChannel, ...] = (InputChannel("image", Normalisation(Scheme.BODY)),)
    spacing_mm: tuple[float, float, float] | None = None
    longest_side: int | None = None
    placement: GridPlacement = GridPlacement.SAME_EXTENT
    orientation: str = SLICE_ROW_COLUMN
    overlap: float = 0.5
    grid: str = "monai"
    pad_value: float | None = None
    flat_axis: int | None = None
    mirror_axes: tuple[int, ...] = ()
    decision: Decision = Decision()
    keep_largest: tuple[tuple[int, ...], ...] = ()
    volumes: VolumeReading | None = None

    def __post_init__(self) -> None:
        if not self.weights or not self.channels:
            raise ValueError("A network has weights and at least one input channel.")
        if min(self.window) < 1:
            raise ValueError(f"A window of {self.window} voxels is none.")
        if self.spacing_mm is not None and not all(0 < s < math.inf for s in self.spacing_mm):
            raise ValueError(f"Spacing must be positive, not {self.spacing_mm} mm.")
        if self.longest_side is not None and (self.longest_side < 1 or self.spacing_mm is not None):
            raise ValueError("A grid is given by its spacing or by the longest side of its slices, not by both.")
        if not 0 <= self.overlap < 1:
            raise ValueError(f"Windows overlap by 0 to below 1, not {self.overlap}.")
        check_orientation(self.orientation)
        self._check_axes()

    def _check_axes(self) -> None:
        if self.flat_axis is not None and (self.flat_axis not in (0, 1, 2) or self.window[self.flat_axis] != 1):
            raise ValueError("The windows of a 2D network are one voxel thick along the axis that it does not see.")
        if len(set(self.mirror_axes) & {0, 1, 2}) != len(self.mirror_axes):
            raise ValueError(f"There are no axes {self.mirror_axes} to mirror.")
        if self.volumes is not None and (self.flat_axis != 0 or self.window[1] != self.window[2]):
            raise ValueError("Only a network of slices with a square window reads volumes in three planes.")

    @property
    def reads_colours(self) -> bool:
        """Whether the channels are the red, green and blue of one picture."""
        return tuple(channel.name for channel in self.channels) == COLOURS

    def place_in_volume(self, longest_mm: float) -> NetworkSpec:
        """Return this network's grid and windows, cubes, in a volume; only where `volumes` says how.

        Parameters
        ----------
        longest_mm
            Longest side of the volume.
        """
        if self.volumes is None:
            raise ValueError("This network does not say how it reads volumes.")
        # half a voxel less than the window: rounding must not ask for a second window
        fitting = longest_mm / (self.window[1] - 0.5)
        spacing = min(max(fitting, self.volumes.finest_mm), self.volumes.coarsest_mm)
        return replace(
            self,
            window=(self.window[1],) * 3,
            spacing_mm=(spacing, spacing, spacing),
            longest_side=None,
            orientation=self.volumes.orientation,
            flat_axis=None,
            volumes=None,
        )

    def count_scores(self, segments: int) -> int:
        """Return how many scores a voxel gets, of a network that marks this many segments."""
        return len(self.decision.labels) if self.decision.rule is DecisionRule.REGIONS else segments + 1


def check_orientation(orientation: str) -> None:
    """Raise ValueError unless `NetworkSpec.orientation` may be this."""
    if sorted(orientation.split()) == sorted(SLICE_ROW_COLUMN.split()):
        return
    axes = {frozenset((letter, _OPPOSITE.get(letter, ""))) for letter in orientation}
    if len(orientation) != 3 or len(axes) != 3 or not set(orientation) <= set(_OPPOSITE):
        raise ValueError(f"{orientation!r} names no three axes; write for example 'RAS'.")
