"""For which series a routing rule holds. A series that says nothing does not satisfy a rule that asks."""

from __future__ import annotations

import re
from collections.abc import Callable

from pydicom.errors import InvalidDicomError

from inference.models import RoutingRule
from studies.errors import DomainError
from studies.models import GeometryVerdict, Series
from studies.services.comparability import read_kind
from studies.tracking.acquisition_facts import AcquisitionFacts


def holds_for(rule: RoutingRule, series: Series) -> bool:
    """Tell whether a rule asks for a segmentation of a series.

    It never does for what is no image, for localizers, subtractions and reformats. What the records say is held against
    the rule first; a header is read only where that agrees.
    """
    return _holds_by_record(rule, series) and _holds_by_header(rule, series)


def _holds_by_record(rule: RoutingRule, series: Series) -> bool:
    if series.geometry_verdict == GeometryVerdict.NOT_IMAGES or rule.modality != series.modality:
        return False
    if rule.team_id is not None and rule.team_id != series.study.home_team_id:
        return False
    described = f"{series.series_description} {series.study.study_description}"
    return _has_phrase(f"{series.body_part_examined} {described}", rule.body_part) and _has_beginnings(
        series.series_description, rule.description
    )


def _holds_by_header(rule: RoutingRule, series: Series) -> bool:
    try:
        facts = read_kind(series)
    except (
        DomainError,
        InvalidDicomError,
        OSError,
        IndexError,
    ):  # nothing of it can be read: a person who opens it is told
        return False
    conditions: tuple[Callable[[AcquisitionFacts], bool], ...] = (
        lambda each: each.purpose is None,
        lambda each: not rule.weighting or each.weighting == rule.weighting,
        lambda each: rule.has_contrast is None or each.has_contrast is rule.has_contrast,
    )
    return all(condition(facts) for condition in conditions)


def _has_phrase(text: str, phrase: str) -> bool:
    """Tell whether a phrase occurs in a text in whole words, whatever the case."""
    return f" {' '.join(_words(phrase))} " in f" {' '.join(_words(text))} " if phrase.strip() else True


def _has_beginnings(text: str, wanted: str) -> bool:
    """Tell whether each of the words is the beginning of a word of the text: "t1" is one of "T1w"."""
    words = _words(text)
    return all(any(word.startswith(beginning) for word in words) for beginning in _words(wanted))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())
