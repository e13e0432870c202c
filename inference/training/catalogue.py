"""Every recipe by the name of its network."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from inference.training.outlined_recipes import OUTLINED_RECIPES
from inference.training.recipes import Recipe
from inference.training.synthetic_recipes import ENHANCING_LESION

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {recipe.spec.name: recipe for recipe in (ENHANCING_LESION, *OUTLINED_RECIPES)}
)
