"""Simulated follow-up with known truth: lesions that grow, shift, merge, split, appear and vanish over several dates.

A lesion is made of atoms, ellipsoids that never divide. Two lesions of different dates are one where they share an
atom; neighbouring atoms grow into each other and merge, or shrink apart and split. What is one lesion on a date is read
off the digitised label map, as a reader would: atoms that happen to touch are one lesion, and atoms too small for the
grid are not there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from studies.imaging.geometry import VolumeGeometry
from studies.label_maps.label_map import LabelMap
from studies.tracking.components import Lesion, find_lesions
from studies.tracking.evidence import PlacedLesion

SIDE_MM = 130.0
SPACINGS_MM = ((3.0, 1.0, 1.0), (5.0, 0.9, 0.9), (1.5, 1.5, 1.5), (2.5, 0.8, 0.8))


@dataclass(frozen=True, slots=True)
class CohortSettings:
    """How lively a simulated patient is; chances are per lesion and date.

    Attributes
    ----------
    lesion_count
        At the first date, before pairs are added.
    pair_count
        Pairs of atoms that merge and split.
    registration_sd_mm
        Error of the transform to the common space along each axis.
    shift_sd_mm, growth_sd
        Of each lesion's own movement, and of the logarithm of its volume.
    vanish, unmark, appear, flip
        Chances: gone for good; not marked on one date; one more; a pair merges or splits.
    """

    lesion_count: int = 7
    pair_count: int = 1
    registration_sd_mm: float = 1.0
    shift_sd_mm: float = 1.0
    growth_sd: float = 0.4
    vanish: float = 0.08
    unmark: float = 0.03
    appear: float = 0.5
    flip: float = 0.35


@dataclass(frozen=True, slots=True)
class SimulatedLesion:
    """One lesion on one date.

    Attributes
    ----------
    placed
        As the matcher gets it; the way to the common space carries the registration's error.
    atoms
        What it truly is.
    """

    placed: PlacedLesion
    atoms: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Atom:
    number: int
    centre_mm: npt.NDArray[np.float64]
    semi_axes_mm: npt.NDArray[np.float64]
    partner: int | None = None


def simulate_patient(
    random: np.random.Generator, date_count: int, settings: CohortSettings | None = None
) -> tuple[tuple[SimulatedLesion, ...], ...]:
    """Return the lesions of each date of one patient."""
    chosen = settings or CohortSettings()
    atoms = _first_atoms(random, chosen)
    dates = []
    for date in range(date_count):
        if date:
            atoms = _next_atoms(random, chosen, atoms, date)
        marked = [each for each in atoms if random.random() >= chosen.unmark]
        dates.append(_digitise(random, chosen, marked, date))
    return tuple(dates)


def _first_atoms(random: np.random.Generator, settings: CohortSettings) -> list[_Atom]:
    atoms: list[_Atom] = []
    for _ in range(settings.lesion_count):
        _add_atom(random, atoms)
    for _ in range(settings.pair_count):
        _add_atom(random, atoms)
        first = atoms[-1]
        atoms[-1:] = _make_pair(random, first)
        _resize_pair(atoms, first.number, joined=bool(random.integers(2)))
    return atoms


def _make_pair(random: np.random.Generator, atom: _Atom) -> list[_Atom]:
    """Put a second ball beside the first, as far away as they are large together."""
    along = random.normal(size=3)
    along /= np.linalg.norm(along)
    radii = float(atom.semi_axes_mm.mean()) * np.array([1.0, random.uniform(0.5, 1.0)])
    one = replace(atom, semi_axes_mm=np.full(3, radii[0]), partner=atom.number + 1)
    other = _Atom(atom.number + 1, atom.centre_mm + along * radii.sum(), np.full(3, radii[1]), atom.number)
    return [one, other]


def _add_atom(random: np.random.Generator, atoms: list[_Atom], date: int = 0) -> None:
    """Add one with room around it, where a hundred throws find some. Numbers of those that vanished stay unused."""
    number = max([1000 * date, *(each.number + 1 for each in atoms)])
    for _ in range(100):
        size = float(np.exp(random.uniform(np.log(2.5), np.log(11.0))))
        axes = size * random.uniform(0.75, 1.3, 3)
        centre = random.uniform(22.0, SIDE_MM - 22.0, 3)
        if all(
            np.linalg.norm(centre - each.centre_mm)
            > axes.max() + each.semi_axes_mm.max() * (2 if each.partner else 1) + 5
            for each in atoms
        ):
            atoms.append(_Atom(number, centre, axes))
            return


def _next_atoms(random: np.random.Generator, settings: CohortSettings, atoms: list[_Atom], date: int) -> list[_Atom]:
    kept = []
    for atom in atoms:
        if atom.partner is None and random.random() < settings.vanish:
            continue
        growth = float(np.exp(random.normal(0.0, settings.growth_sd) / 3.0))
        shift = random.normal(0.0, settings.shift_sd_mm, 3)
        if atom.partner is not None:
            growth, shift = 1.0, shift / 3.0
        axes = np.clip(atom.semi_axes_mm * growth, 1.5, 14.0)
        kept.append(replace(atom, centre_mm=atom.centre_mm + shift, semi_axes_mm=axes))
    for atom in [each for each in kept if each.partner is not None and each.number < each.partner]:
        if random.random() < settings.flip:
            _resize_pair(kept, atom.number, joined=not _is_joined(kept, atom.number))
    if random.random() < settings.appear:
        _add_atom(random, kept, date)
    return kept


def _pair(atoms: list[_Atom], number: int) -> tuple[int, int]:
    first = next(i for i, each in enumerate(atoms) if each.number == number)
    second = next(i for i, each in enumerate(atoms) if each.number == atoms[first].partner)
    return first, second


def _is_joined(atoms: list[_Atom], number: int) -> bool:
    first, second = _pair(atoms, number)
    distance = float(np.linalg.norm(atoms[first].centre_mm - atoms[second].centre_mm))
    return distance < float(atoms[first].semi_axes_mm.mean() + atoms[second].semi_axes_mm.mean())


def _resize_pair(atoms: list[_Atom], number: int, *, joined: bool) -> None:
    """Let a pair grow into each other, or shrink until a gap of two fifths of their distance is left."""
    first, second = _pair(atoms, number)
    distance = float(np.linalg.norm(atoms[first].centre_mm - atoms[second].centre_mm))
    now = float(atoms[first].semi_axes_mm.mean() + atoms[second].semi_axes_mm.mean())
    factor = distance * (1.15 if joined else 0.6) / now
    for place in (first, second):
        atoms[place] = replace(atoms[place], semi_axes_mm=atoms[place].semi_axes_mm * factor)


def _digitise(
    random: np.random.Generator, settings: CohortSettings, atoms: list[_Atom], date: int
) -> tuple[SimulatedLesion, ...]:
    """Lay a grid of its own over the patient, who lies a little differently each time."""
    spacing = SPACINGS_MM[int(random.integers(len(SPACINGS_MM)))]
    turn = _small_turn(random, 8.0)
    geometry = _grid(random, spacing, turn)
    owner = np.zeros(geometry.shape, np.int32)
    for atom in atoms:
        _paint(owner, geometry, atom)
    error = np.eye(4)
    error[:3, :3] = _small_turn(random, 0.5)
    middle = np.full(3, SIDE_MM / 2)
    error[:3, 3] = middle - error[:3, :3] @ middle + random.normal(0.0, settings.registration_sd_mm, 3)
    found = []
    for lesion in find_lesions(LabelMap((owner > 0).astype(np.uint8), geometry)):
        held = _atoms_of(owner, lesion)
        placed = PlacedLesion(f"{date}.{lesion.lesion_number}", lesion, geometry, error)
        found.append(SimulatedLesion(placed, held))
    return tuple(found)


def _grid(
    random: np.random.Generator, spacing_mm: tuple[float, float, float], turn: npt.NDArray[np.float64]
) -> VolumeGeometry:
    direction = turn @ np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    shape = tuple(int(SIDE_MM * 1.1 / step) for step in spacing_mm)
    half = direction * np.asarray(spacing_mm) @ ((np.asarray(shape) - 1) / 2 + random.uniform(-0.5, 0.5, 3))
    x, y, z = (float(value) for value in np.full(3, SIDE_MM / 2) - half)
    d = [float(value) for value in direction.reshape(-1)]
    return VolumeGeometry(
        (shape[0], shape[1], shape[2]),
        spacing_mm,
        (x, y, z),
        (d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8]),
    )


def _paint(owner: npt.NDArray[np.int32], geometry: VolumeGeometry, atom: _Atom) -> None:
    affine = geometry.index_to_patient_mm
    middle = np.linalg.inv(affine[:3, :3]) @ (atom.centre_mm - affine[:3, 3])
    half = atom.semi_axes_mm.max() / np.asarray(geometry.spacing_mm) + 1
    low = np.maximum(np.floor(middle - half).astype(int), 0)
    high = np.minimum(np.ceil(middle + half).astype(int) + 1, geometry.shape)
    index = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), axis=-1)
    offset = index @ affine[:3, :3].T + affine[:3, 3] - atom.centre_mm
    inside = ((offset / atom.semi_axes_mm) ** 2).sum(axis=-1) <= 1.0
    owner[low[0] : high[0], low[1] : high[1], low[2] : high[2]][inside] = atom.number + 1


def _atoms_of(owner: npt.NDArray[np.int32], lesion: Lesion) -> frozenset[int]:
    return frozenset(int(number) - 1 for number in np.unique(owner[lesion.box][lesion.mask]))


def _small_turn(random: np.random.Generator, most_degrees: float) -> npt.NDArray[np.float64]:
    """Return a rotation about a random axis (Rodrigues)."""
    axis = random.normal(size=3)
    axis /= np.linalg.norm(axis)
    angle = np.radians(random.uniform(-most_degrees, most_degrees))
    cross = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    turn: npt.NDArray[np.float64] = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turn
