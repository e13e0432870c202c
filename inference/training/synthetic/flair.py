"""FLAIR heads with a glioma, with many small lesions of white matter as in multiple sclerosis, or with none."""

from __future__ import annotations

import numpy as np

from inference.evaluation.cases import OutlinedCase
from inference.training.synthetic.brain_sampler import Contrast, draw_head, random_white_matter_place
from inference.training.synthetic.glioma import Glioma
from inference.training.synthetic.shapes import Place

_KINDS = ("glioma", "white-matter lesions", "healthy")
_HEAD_CENTRE_MM = (14.0, 4.0, 0.0)


def draw_flair_case(rng: np.random.Generator, number: int) -> OutlinedCase:
    """Draw a head of one of three kinds in turn; outlined is whatever is lesion, oedema included.

    Anatomy, lesions, contrast, shading, noise and slice thickness vary.
    """
    kind = _KINDS[number % len(_KINDS)]
    lesions = _draw_glioma(rng) if kind == _KINDS[0] else _draw_small(rng) if kind == _KINDS[1] else []
    thickness = float(rng.choice([2.0, 3.0, 4.0]))
    shape, spacing_mm = (int(150 / thickness), 176, 144), (thickness, 1.25, 1.25)
    origin = [c - (n - 1) * s / 2.0 for c, n, s in zip(_HEAD_CENTRE_MM, shape, spacing_mm, strict=True)]
    image, truth = draw_head(rng, lesions, shape, spacing_mm, (origin[0], origin[1], origin[2]), _draw_contrast(rng))
    return OutlinedCase(f"{number:03d} {kind}", image, (), (truth.voxels > 0).astype(np.uint8), True, {})


def _draw_contrast(rng: np.random.Generator) -> Contrast:
    white = float(rng.uniform(0.36, 0.46))
    grey = white + float(rng.uniform(0.05, 0.14))
    fluid, fat, muscle = (float(rng.uniform(*each)) for each in ((0.04, 0.12), (0.4, 0.8), (0.2, 0.32)))
    core, rim, oedema = (float(rng.uniform(*each)) for each in ((0.3, 0.6), (0.15, 0.35), (0.2, 0.45)))
    return Contrast((grey, white, fluid, fat, muscle, 0.12), (core, grey + rim, grey + oedema))


def _draw_glioma(rng: np.random.Generator) -> list[Glioma]:
    radius = rng.uniform(6.0, 18.0)
    radii = radius * np.exp(rng.normal(0.0, 0.12, 3))
    solid = rng.random() < 0.5
    return [
        Glioma(
            _place(rng),
            (float(radii[0]), float(radii[1]), float(radii[2])),
            (((-0.2, -0.9, 0.25), float(rng.uniform(0.4, 0.7))),),
            rim_mm=3.0 * radius if solid else float(rng.uniform(2.0, 6.0)),
            oedema_mm=float(rng.uniform(4.0, 22.0)),
            roughness=float(rng.uniform(0.08, 0.2)),
        )
    ]


def _draw_small(rng: np.random.Generator) -> list[Glioma]:
    lesions = []
    for _ in range(int(rng.integers(5, 25))):
        radius = float(rng.uniform(2.0, 5.5))
        lesions.append(Glioma(_place(rng), (radius, radius * 1.3, radius), (), 3.0 * radius, 0.0, 0.1))
    return lesions


def _place(rng: np.random.Generator) -> Place:
    centre = random_white_matter_place(rng)
    return (float(centre[0]), float(centre[1]), float(centre[2]))
