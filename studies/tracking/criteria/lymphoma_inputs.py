"""What a reader recorded of a lymphoma on CT: both diameters of each node or mass that was chosen at baseline."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from studies.tracking.criteria.errors import CriteriaInputError, MeasurementMissingError
from studies.tracking.criteria.exact import exact, total


@dataclass(frozen=True, slots=True)
class NodeDiameters:
    """One node or mass at one timepoint; None, None means that it was not evaluated."""

    node_id: str
    longest_diameter_mm: Decimal | None
    short_axis_mm: Decimal | None

    def __post_init__(self) -> None:
        if (self.longest_diameter_mm is None) is not (self.short_axis_mm is None):
            raise MeasurementMissingError(f"Node {self.node_id} needs both diameters, or neither if not evaluated.")
        for name in ("longest_diameter_mm", "short_axis_mm"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else exact(value, name=f"{self.node_id} {name}"))
        if self.is_evaluated and self.short_mm > self.longest_mm:
            raise CriteriaInputError(f"Node {self.node_id}: the perpendicular is longer than the longest diameter.")

    @property
    def is_evaluated(self) -> bool:
        return self.longest_diameter_mm is not None

    @property
    def longest_mm(self) -> Decimal:
        return self.longest_diameter_mm or Decimal(0)

    @property
    def short_mm(self) -> Decimal:
        return self.short_axis_mm or Decimal(0)

    @property
    def product_mm2(self) -> Decimal:
        return self.longest_mm * self.short_mm


@dataclass(frozen=True, slots=True)
class LymphomaTimepoint:
    """One CT: the nodes chosen at baseline, and what else shows progression."""

    days_from_baseline: int
    nodes: tuple[NodeDiameters, ...]
    new_lesion_ids: tuple[str, ...] = ()
    is_spleen_progressing: bool = False

    @property
    def is_complete(self) -> bool:
        return all(node.is_evaluated for node in self.nodes)

    @property
    def sum_of_products_mm2(self) -> Decimal | None:
        return total(node.product_mm2 for node in self.nodes) if self.is_complete else None
