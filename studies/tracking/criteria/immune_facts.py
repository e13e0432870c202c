"""What a rule of iRECIST may ask for: what is pending, and how targets, non-targets and new lesions changed since."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from studies.tracking.criteria.configuration import CriteriaConfiguration
from studies.tracking.criteria.diameter_course import unequivocal_new_lesions
from studies.tracking.criteria.exact import difference, total
from studies.tracking.criteria.inputs import Timepoint
from studies.tracking.criteria.non_targets import NonTargetFacts
from studies.tracking.criteria.rules import Finding
from studies.tracking.criteria.sum_of_diameters import TargetFacts
from studies.tracking.criteria.verdict import Response

_RANK = {Response.IPR: 1, Response.ICR: 2}
_NOT_MEASURED = Decimal(-1)  # a growth that was not measured reaches no limit


class Category(StrEnum):
    """Where progression can show."""

    TARGET = "targets"
    NON_TARGET = "non-targets"
    NEW_LESION = "new lesions"


@dataclass(frozen=True, slots=True)
class NewLesions:
    """The unequivocal new lesions of one timepoint; those with a diameter are targets of their own."""

    lesion_ids: tuple[str, ...] = ()
    sum_mm: Decimal = Decimal(0)
    is_any_growing: bool = False

    @classmethod
    def of(cls, timepoint: Timepoint) -> NewLesions:
        found = unequivocal_new_lesions(timepoint)
        return cls(
            lesion_ids=tuple(n.lesion_id for n in found),
            sum_mm=total(n.diameter_mm for n in found if n.diameter_mm is not None),
            is_any_growing=any(n.is_growing for n in found),
        )


@dataclass(frozen=True, slots=True)
class Pending:
    """An unconfirmed progression: its first day, where it showed, and how large everything was then."""

    day: int
    categories: frozenset[Category]
    sum_mm: Decimal | None
    new: NewLesions
    progressed_non_target_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class ImmuneState:
    """What the next timepoint needs to know of the earlier ones."""

    pending: Pending | None = None
    accepted_new: NewLesions | None = None
    last_sum_mm: Decimal | None = None
    last_target_response: Response | None = None


@dataclass(frozen=True, slots=True)
class ImmuneFacts:
    """What a rule about the immune overall response may ask for."""

    target: Finding
    non_target: Finding
    target_facts: TargetFacts
    non_target_facts: NonTargetFacts
    new: NewLesions
    timepoint: Timepoint
    state: ImmuneState
    configuration: CriteriaConfiguration

    @property
    def pending(self) -> Pending | None:
        return self.state.pending

    @property
    def pending_day(self) -> int | None:
        return self.pending.day if self.pending else None

    @property
    def days_since_pending(self) -> int:
        return self.timepoint.days_from_baseline - self.pending.day if self.pending else 0

    @property
    def may_confirm(self) -> bool:
        """Whether enough days have passed since the first unconfirmed progression (I.CONF.WIN)."""
        return self.pending is not None and self.days_since_pending >= self.configuration.confirm_days

    @property
    def too_early(self) -> str:
        days = self.configuration.confirm_days
        early = self.pending is not None and not self.may_confirm
        return f" ({self.days_since_pending} days later; {days} are needed to confirm)" if early else ""

    @property
    def has_targets(self) -> bool:
        return self.target_facts.has_targets

    @property
    def is_marker_normal(self) -> bool:
        return self.non_target_facts.is_marker_normal

    @property
    def target_growth_since_pending_mm(self) -> Decimal:
        now = self.target_facts.now.sum_of_diameters_mm
        then = self.pending.sum_mm if self.pending else None
        return _NOT_MEASURED if now is None or then is None else difference(now, then)

    @property
    def target_growth_since_last_mm(self) -> Decimal:
        now, then = self.target_facts.now.sum_of_diameters_mm, self.state.last_sum_mm
        return _NOT_MEASURED if now is None or then is None else difference(now, then)

    @property
    def has_non_target_growth(self) -> bool:
        """Any further growth, unequivocal or not; another non-target in unequivocal progression is growth."""
        before = self.pending.progressed_non_target_ids if self.pending else frozenset()
        return self.timepoint.is_non_target_burden_increased or bool(
            set(self.non_target_facts.progressed_ids) - set(before)
        )

    @property
    def has_new_lesion_growth(self) -> bool:
        before = self.pending.new if self.pending else NewLesions()
        return (
            difference(self.new.sum_mm, before.sum_mm) >= 5
            or self.new.is_any_growing
            or len(self.new.lesion_ids) > len(before.lesion_ids)
        )

    @property
    def has_unknown_new_lesion(self) -> bool:
        """Whether new lesions count: all of them, unless a response set aside those known; then only what is beyond."""
        known = self.state.accepted_new
        if known is None:
            return bool(self.new.lesion_ids)
        grown = difference(self.new.sum_mm, known.sum_mm)
        return (
            len(self.new.lesion_ids) > len(known.lesion_ids)
            or self.new.is_any_growing
            or (grown >= 5 and 10 * self.new.sum_mm >= 12 * known.sum_mm)
        )

    @property
    def categories(self) -> frozenset[Category]:
        """Where progression shows at this timepoint."""
        shows = {
            Category.TARGET: self.target.response is Response.IUPD,
            Category.NON_TARGET: self.non_target.response is Response.IUPD,
            Category.NEW_LESION: self.has_unknown_new_lesion,
        }
        return frozenset(category for category, is_shown in shows.items() if is_shown)

    @property
    def other_categories(self) -> frozenset[Category]:
        return self.categories - (self.pending.categories if self.pending else frozenset())

    @property
    def is_in_progression(self) -> bool:
        growing = self.was_pending(Category.NON_TARGET) and self.has_non_target_growth
        return growing or bool(self.categories - {Category.NEW_LESION})

    @property
    def progressing_sentence(self) -> str:
        parts = [part.clause.sentence for part in (self.target, self.non_target) if part.response is Response.IUPD]
        return " ".join(parts)

    @property
    def is_pending_unseen(self) -> bool:
        """Whether a category that had progressed was not evaluated now, and no new lesion decides."""
        unseen = {
            Category.TARGET: self.target.response is Response.NE,
            Category.NON_TARGET: self.non_target.response is Response.NE,
        }
        return not self.has_unknown_new_lesion and any(self.was_pending(c) and missing for c, missing in unseen.items())

    @property
    def is_target_response_new(self) -> bool:
        """Whether the targets reach this response at this scan and had not before (open point 5)."""
        before = self.state.last_target_response
        return _RANK.get(self.target.response, 0) > (_RANK.get(before, 0) if before else 0)

    def was_pending(self, category: Category) -> bool:
        return self.pending is not None and category in self.pending.categories
