"""What decides a network's weights. The recipes themselves: `synthetic_recipes`, `outlined_recipes`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from inference.model_spec import ModelSpec
from inference.network_spec import NetworkSpec
from inference.training.augment import Augmentation
from inference.training.outlined import OutlinedSet
from studies.imaging.volume import Volume

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
    healthy_share
        Share of windows that show an image without anything to mark, made by the set's `make_healthy`.
    unsure
        Numbers in the outlines of what nobody is sure about: nothing is learnt there.
    baseline
        The simple method (`inference.evaluation.baselines`) that the network is held against.
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
    healthy_share: float = 0.0
    unsure: tuple[int, ...] = ()
    baseline: str = "region"
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
