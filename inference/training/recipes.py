"""What each network of the project is trained on and how: change a number here and another network comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from inference.model_spec import Method, ModelSpec
from inference.network_spec import InputChannel, NetworkSpec, Normalisation, Scheme, WeightsFile
from inference.training.augment import Augmentation
from inference.training.outlined import OutlinedSet
from inference.training.synthetic.brain_sampler import random_brain_lesion_case
from studies.imaging.volume import Volume
from studies.label_maps.label_map import SegmentDescription

Truth = npt.NDArray[np.uint8]
MakeCase = Callable[[np.random.Generator], tuple[Volume, Truth]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a network's weights.

    Attributes
    ----------
    spec
        The catalogue entry; the digest of its weights is still empty.
    make_case
        Draws one image on the network's grid and its truth: equal generators give equal cases. None learns from a set.
    seed
        Of the initial weights, the cases and the patches.
    steps
        Optimiser steps.
    windows_per_step
        Windows of one optimiser step, at most eight.
    learning_rate
        Of AdamW at its highest: it rises over the first steps and falls to nothing by the last.
    learns_from
        The training set with outlines by people, where it does not learn from drawn cases.
    augmentation
        How windows of such a set are varied.
    observations
        What a person saw on real images, for the card.
    """

    spec: ModelSpec
    make_case: MakeCase | None
    seed: int
    steps: int
    windows_per_step: int
    learning_rate: float
    learns_from: OutlinedSet | None = None
    augmentation: Augmentation = field(default_factory=Augmentation)
    observations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.make_case is None) == (self.learns_from is None):
            raise ValueError(f"{self.spec.name} learns either from drawn cases or from a set.")

    @property
    def network(self) -> NetworkSpec:
        """The network's own part of the entry."""
        if self.spec.network is None:
            raise ValueError(f"{self.spec.name} is not a network.")
        return self.spec.network


def draw_case(recipe: Recipe, rng: np.random.Generator) -> tuple[Volume, Truth]:
    """Draw a case of a recipe that learns from drawn ones."""
    if recipe.make_case is None:
        raise ValueError(f"{recipe.spec.name} draws no cases: it learns from a set.")
    return recipe.make_case(rng)


def make_enhancing_lesion_case(rng: np.random.Generator) -> tuple[Volume, Truth]:
    """Draw a contrast-enhanced T1 head; truth 1 is the tumour core: enhancing rim and what it encloses."""
    volume, label_map = random_brain_lesion_case(rng, shape=(64, 80, 80), spacing_mm=(2.0, 2.0, 2.0))
    return volume, np.isin(label_map.voxels, (1, 2)).astype(np.uint8)


_ENHANCING_LESION = Recipe(
    spec=ModelSpec(
        name="enhancing_lesion",
        version="1.1.0",
        title="Enhancing brain lesion (T1 with contrast)",
        summary="Marks contrast-enhancing lesions of the brain, with the core they enclose, on one T1 series.",
        limits=(
            "Trained on synthetic images only; never validated on patients. Misses lesions that do not enhance, "
            "and may mark vessels, dura, mucosa or fat. For trying out SegWeb, not for reading."
        ),
        intended_use="Trying out SegWeb: an outline that a person checks and corrects. Not for reading.",
        method=Method.NETWORK,
        modalities=frozenset({"MR"}),
        segments=(SegmentDescription(1, "Enhancing lesion", colour="#e69f00"),),
        network=NetworkSpec(
            architecture="unet",
            arguments={"channels": (10, 20, 40, 80)},
            weights=(WeightsFile("enhancing_lesion.pt", ""),),
            window=(16, 64, 64),
            channels=(InputChannel("T1 with contrast", Normalisation(Scheme.BODY)),),
            spacing_mm=(2.0, 2.0, 2.0),
        ),
        needs_volume=True,
    ),
    make_case=make_enhancing_lesion_case,
    seed=20261122,
    steps=1300,
    windows_per_step=4,
    learning_rate=3e-3,
    observations=(
        "Vestibular schwannoma (Vestibular-Schwannoma-SEG, VS-SEG-001, T1 with contrast): marked 0.9 mL, none of it "
        "the tumour.",
        "Demo glioma on three dates (synthetic): marked 0.0, 0.3 and 9.3 mL where the core has 2.1, 7.4 and 26.5 mL.",
    ),
)

RECIPES: Mapping[str, Recipe] = MappingProxyType({_ENHANCING_LESION.spec.name: _ENHANCING_LESION})
