"""In which order windows run: what the reader looks at first, then layer by layer outward along the longest axis.

The sums of a layer that is under way are the memory of a run. Layers across the longest axis are the smallest ones.
"""

from __future__ import annotations

from itertools import product

from inference.pipeline.windows import Axis, Shape, Start, WindowGrid


class WindowOrder:
    """The windows that are still to run.

    Windows that run together are fixed beforehand: neighbours within a layer. A window's scores may differ in their
    last bit with the company it keeps, so its company must not depend on where the reader looks.
    """

    def __init__(self, grid: WindowGrid, together: int = 1) -> None:
        self._grid = grid
        self._sweep = max(range(3), key=lambda axis: (len(grid.axes[axis].starts), grid.shape[axis], -axis))
        self._layers: dict[int, list[list[Start]]] = {}
        planes, rows, columns = (range(len(axis.starts)) for axis in grid.axes)
        for layer in range(len(grid.axes[self._sweep].starts)):
            numbers = [number for number in product(planes, rows, columns) if number[self._sweep] == layer]
            self._layers[layer] = [numbers[i : i + together] for i in range(0, len(numbers), together)]

    def __bool__(self) -> bool:
        """Tell whether windows are left."""
        return bool(self._layers)

    def take(self, place: Shape, *, is_place_final: bool) -> list[Start]:
        """Remove and return the windows to run next, by number along each axis.

        Parameters
        ----------
        place
            Voxel of the padded working grid that the reader looks at.
        is_place_final
            False takes the windows over that voxel first.
        """
        spot = None if is_place_final else self._take_over(place)
        if spot is not None:
            return spot
        layer = min(self._layers, key=lambda number: (self._distance(self._sweep, number, place), number))
        return self._remove(layer, min(self._layers[layer], key=lambda group: self._from(group[0], place)))

    def _take_over(self, place: Shape) -> list[Start] | None:
        covering = [
            {i for i, start in enumerate(axis.starts) if start <= at < start + axis.window}
            for axis, at in zip(self._grid.axes, place, strict=True)
        ]
        for layer in sorted(covering[self._sweep]):
            for group in self._layers.get(layer, []):
                if any(all(i in over for i, over in zip(number, covering, strict=True)) for number in group):
                    return self._remove(layer, group)
        return None

    def _remove(self, layer: int, group: list[Start]) -> list[Start]:
        groups = self._layers[layer]
        groups.remove(group)
        if not groups:
            del self._layers[layer]
        return group

    def _from(self, number: Start, place: Shape) -> tuple[float, Start]:
        return sum(self._distance(axis, number[axis], place) for axis in range(3) if axis != self._sweep), number

    def _distance(self, along: int, number: int, place: Shape) -> float:
        axis: Axis = self._grid.axes[along]
        return abs(axis.starts[number] + (axis.window - 1) / 2 - place[along])
