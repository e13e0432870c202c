"""For which series a routing rule holds. A series that says nothing does not satisfy a rule that asks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from pydicom.errors import InvalidDicomError

from inference.models import RoutingRule
from studies.errors import DomainError
from studies.models import GeometryVerdict, Series
from studies.services.comparability import read_kind
from studies.tracking.acquisition_facts import AcquisitionFacts

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
"""A header may have either spelling: not every scanner knows umlauts."""


class Mismatch(StrEnum):
    """What of a series does not fit a rule; the codes never change."""

    NOT_IMAGES = "rule.not_images"
    MODALITY = "rule.other_modality"
    TEAM = "rule.other_team"
    BODY_PART = "rule.other_body_part"
    DESCRIPTION = "rule.other_description"
    EXCLUDED = "rule.excluded_word"
    UNREADABLE = "rule.header_unreadable"
    PURPOSE = "rule.not_read_by_itself"
    WEIGHTING = "rule.other_weighting"
    CONTRAST = "rule.other_contrast"


@dataclass(frozen=True, slots=True)
class RuleMismatch:
    """The first thing that keeps a rule from a series.

    Attributes
    ----------
    asked, said
        What the rule wants, and what the series says of it; empty where it says nothing.
    """

    code: Mismatch
    asked: str = ""
    said: str = ""


def holds_for(rule: RoutingRule, series: Series) -> bool:
    """Tell whether a rule asks for a segmentation of a series."""
    return find_mismatch(rule, series) is None


def find_mismatch(rule: RoutingRule, series: Series) -> RuleMismatch | None:
    """Return why a rule does not hold for a series, None where it does.

    It never does for what is no image, for localizers, subtractions and reformats. What the records say is held against
    the rule first; a header is read only where that agrees.
    """
    found = find_record_mismatch(rule, series)
    if found is not None:
        return found
    try:
        facts = read_kind(series)
    except (
        DomainError,
        InvalidDicomError,
        OSError,
        IndexError,
    ):  # nothing of it can be read: a person who opens it is told
        return RuleMismatch(Mismatch.UNREADABLE)
    return find_header_mismatch(rule, facts)


def find_record_mismatch(rule: RoutingRule, series: Series) -> RuleMismatch | None:
    """Return what of a series' records contradicts a rule."""
    if series.geometry_verdict == GeometryVerdict.NOT_IMAGES:
        return RuleMismatch(Mismatch.NOT_IMAGES)
    if rule.modality != series.modality:
        return RuleMismatch(Mismatch.MODALITY, rule.modality, series.modality)
    if rule.team_id is not None and rule.team_id != series.study.home_team_id:
        return RuleMismatch(Mismatch.TEAM)
    return _find_word_mismatch(rule, series)


def _find_word_mismatch(rule: RoutingRule, series: Series) -> RuleMismatch | None:
    own = f"{series.body_part_examined} {series.series_description}".strip()
    everything = f"{own} {series.study.study_description}".strip()
    if not _has_phrase(everything, rule.body_part):
        return RuleMismatch(Mismatch.BODY_PART, rule.body_part, everything)
    if not _has_beginnings(series.series_description, rule.description):
        return RuleMismatch(Mismatch.DESCRIPTION, rule.description, series.series_description)
    unwanted = next((phrase for phrase in _alternatives(rule.excluded) if _has_phrase(own, phrase)), None)
    return None if unwanted is None else RuleMismatch(Mismatch.EXCLUDED, unwanted, own)


def find_header_mismatch(rule: RoutingRule, facts: AcquisitionFacts) -> RuleMismatch | None:
    """Return what of a series' header contradicts a rule."""
    if facts.purpose is not None:
        return RuleMismatch(Mismatch.PURPOSE, said=str(facts.purpose))
    if rule.weighting and facts.weighting != rule.weighting:
        return RuleMismatch(Mismatch.WEIGHTING, rule.weighting, str(facts.weighting or ""))
    if rule.has_contrast is not None and facts.has_contrast is not rule.has_contrast:
        return RuleMismatch(Mismatch.CONTRAST, _say(rule.has_contrast), _say(facts.has_contrast))
    return None


def _say(has_contrast: bool | None) -> str:
    return "" if has_contrast is None else ("with" if has_contrast else "without")


def _alternatives(asked: str) -> list[str]:
    return [part.strip() for part in asked.split(",") if part.strip()]


def _has_phrase(text: str, asked: str) -> bool:
    """Tell whether one of the phrases between commas occurs in a text in whole words; no phrase asks nothing."""
    phrases = _alternatives(asked)
    words = f" {' '.join(_words(text))} "
    return not phrases or any(f" {' '.join(_words(phrase))} " in words for phrase in phrases)


def _has_beginnings(text: str, asked: str) -> bool:
    """Tell whether each word of one alternative between commas begins a word of the text: "t1" is one of "T1w"."""
    words, wanted = _words(text), _alternatives(asked)
    return not wanted or any(
        all(any(word.startswith(beginning) for word in words) for beginning in _words(each)) for each in wanted
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold().translate(_UMLAUTS))
