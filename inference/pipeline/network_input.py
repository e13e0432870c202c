"""A network's input: its channels turned, brought onto its grid, normalised and padded, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.classical.grey_values import GreyValues
from inference.network_spec import NetworkSpec
from inference.pipeline.normalise import normalise
from inference.pipeline.preprocess import Image, Shape, pad_to_window
from inference.pipeline.turning import Turn, find_turn
from inference.pipeline.working_grid import WorkingGrid, place_working_grid
from studies.imaging.geometry import VolumeGeometry


@dataclass(frozen=True, slots=True)
class NetworkInput:
    """What a network sees of a series.

    Attributes
    ----------
    turn
        From the series' axes to the network's.
    working
        The network's grid before padding.
    image
        Normalised values (channel, slice, row, column) on the padded grid, along the network's axes.
    before
        Voxels of padding in front of each axis.
    """

    turn: Turn
    working: WorkingGrid
    image: Image
    before: Shape

    @property
    def shape(self) -> Shape:
        """Voxels of the padded grid."""
        planes, rows, columns = self.image.shape[1:]
        return planes, rows, columns

    @property
    def unpadded(self) -> Image:
        """Normalised values (channel, slice, row, column) on the network's grid without padding."""
        inside = (slice(b, b + n) for b, n in zip(self.before, self.working.shape, strict=True))
        return self.image[(slice(None), *inside)]


def prepare_input(channels: Sequence[GreyValues], geometry: VolumeGeometry, network: NetworkSpec) -> NetworkInput:
    """Bring channels (slice, row, column) on the grid of `geometry`, in the network's order, to what it sees."""
    turn = find_turn(geometry, network.orientation)
    working = place_working_grid(turn.turned_shape, turn.turn_axes(geometry), network)
    image = np.stack(
        [
            normalise(working.resample(turn.turn(voxels)), voxels, channel.normalisation)
            for voxels, channel in zip(channels, network.channels, strict=True)
        ]
    )
    value = float(image.min()) if network.pad_value is None else network.pad_value
    padded, before = pad_to_window(image, network.window, value)
    return NetworkInput(turn, working, padded, before)
