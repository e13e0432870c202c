"""Vessels as trees that grow from where they enter an organ until they reach every part of it.

References
----------
Murray CD. The physiological principle of minimum work. PNAS 1926 (radii: the cube of a parent's is the sum of its
children's cubes). doi:10.1073/pnas.12.3.207
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inference.training.synthetic.shapes import Place, Rod

_Places = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes and their parents (-1 for the root), with radii in mm at each node."""

    places_mm: _Places
    parents: npt.NDArray[np.intp]
    radii_mm: npt.NDArray[np.float64]

    def rods(
        self, rng: np.random.Generator, *, least_radius_mm: float = 0.0, pieces: int = 2, is_flat: bool = False
    ) -> list[Rod]:
        """Return the tree's twigs, each bowed a little and cut into tapering rods; flat trees keep to their plane."""
        rods = []
        for node, parent in enumerate(self.parents):
            if parent < 0 or self.radii_mm[node] < least_radius_mm:
                continue
            start, end = self.places_mm[parent], self.places_mm[node]
            bow = rng.normal(0.0, 0.28, 3) * (0.0 if is_flat else 1.0, 1.0, 1.0) * np.linalg.norm(end - start)
            share = np.linspace(0.0, 1.0, pieces + 1)[:, None]
            path = start + (end - start) * share + bow * share * (1 - share)
            thick = min(self.radii_mm[parent], self.radii_mm[node] * 1.3)
            radii = thick + (self.radii_mm[node] - thick) * share[:, 0]
            for piece in range(pieces):
                ends = float(radii[piece]), float(radii[piece + 1])
                rods.append(Rod(_place(path[piece]), _place(path[piece + 1]), *ends))
        return rods


def _place(values: _Places) -> Place:
    return (float(values[0]), float(values[1]), float(values[2]))


def grow_tree(
    root: Place,
    targets_mm: _Places,
    *,
    trunks: Sequence[_Places] = (),
    twig_radius_mm: float = 0.55,
    exponent: float = 2.7,
) -> Tree:
    """Connect targets to a root, nearest first, each to the node that is near and not a detour.

    Parameters
    ----------
    root
        Where the vessel enters the lung, mm.
    targets_mm
        Places to be reached, shape (count, 3).
    trunks
        Paths, shape (count, 3), that the tree follows first, each starting at the root.
    twig_radius_mm
        Radius at the ends.
    exponent
        Of Murray's law (3 for laminar flow; measured airways and vessels lie lower).
    """
    order = np.argsort(np.linalg.norm(targets_mm - np.asarray(root), axis=1))
    places = np.vstack([np.asarray(root)[None], *trunks, targets_mm[order]])
    parents = np.full(len(places), -1, dtype=np.intp)
    lengths = np.zeros(len(places))
    first = 1
    for trunk in trunks:
        parents[first : first + len(trunk)] = [0, *range(first, first + len(trunk) - 1)]
        for node in range(first, first + len(trunk)):
            lengths[node] = lengths[parents[node]] + np.linalg.norm(places[node] - places[parents[node]])
        first += len(trunk)
    for node in range(first, len(places)):
        distance = np.linalg.norm(places[:node] - places[node], axis=1)
        cost = distance + 0.45 * (lengths[:node] + distance)
        parent = int(np.argmin(cost))
        parents[node] = parent
        lengths[node] = lengths[parent] + distance[parent]
    flow = np.full(len(places), twig_radius_mm**exponent)
    for node in range(len(places) - 1, 0, -1):
        flow[parents[node]] += flow[node]
    return Tree(places, parents, flow ** (1.0 / exponent))
