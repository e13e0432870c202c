"""Vessels of the lungs: a tree that grows from the hilum to reach every part of the lung.

References
----------
Murray CD. The physiological principle of minimum work. PNAS 1926 (radii: the cube of a parent's is the sum of its
children's cubes). doi:10.1073/pnas.12.3.207
"""

from __future__ import annotations

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

    def rods(self, rng: np.random.Generator, *, least_radius_mm: float = 0.0) -> list[Rod]:
        """Return the tree's twigs, each bowed a little, as tapering rods."""
        rods = []
        for node, parent in enumerate(self.parents):
            if parent < 0 or self.radii_mm[node] < least_radius_mm:
                continue
            start, end = self.places_mm[parent], self.places_mm[node]
            bow = rng.normal(0.0, 0.07, 3) * np.linalg.norm(end - start)
            middle = (start + end) / 2.0 + bow
            first = min(self.radii_mm[parent], self.radii_mm[node] * 1.3)
            half = (first + self.radii_mm[node]) / 2.0
            rods.append(Rod(_place(start), _place(middle), float(first), float(half)))
            rods.append(Rod(_place(middle), _place(end), float(half), float(self.radii_mm[node])))
        return rods


def _place(values: _Places) -> Place:
    return (float(values[0]), float(values[1]), float(values[2]))


def grow_tree(root: Place, targets_mm: _Places, *, twig_radius_mm: float = 0.55, exponent: float = 2.7) -> Tree:
    """Connect targets to a root, nearest first, each to the node that is near and not a detour.

    Parameters
    ----------
    root
        Where the vessel enters the lung, mm.
    targets_mm
        Places to be reached, shape (count, 3).
    twig_radius_mm
        Radius at the ends.
    exponent
        Of Murray's law (3 for laminar flow; measured airways and vessels lie lower).
    """
    order = np.argsort(np.linalg.norm(targets_mm - np.asarray(root), axis=1))
    places = np.vstack([np.asarray(root)[None], targets_mm[order]])
    parents = np.full(len(places), -1, dtype=np.intp)
    lengths = np.zeros(len(places))
    for node in range(1, len(places)):
        distance = np.linalg.norm(places[:node] - places[node], axis=1)
        cost = distance + 0.45 * (lengths[:node] + distance)
        parent = int(np.argmin(cost))
        parents[node] = parent
        lengths[node] = lengths[parent] + distance[parent]
    flow = np.full(len(places), twig_radius_mm**exponent)
    for node in range(len(places) - 1, 0, -1):
        flow[parents[node]] += flow[node]
    return Tree(places, parents, flow ** (1.0 / exponent))
