"""Why a series was, or was not, sent to a model before anybody opened it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db.models import Q

from inference.models import RoutingNote, RoutingRule, SegmentationJob
from inference.registry import get_model, list_models
from inference.services.input_images import choose_inputs
from inference.services.jobs import require_usable
from inference.services.rule_matching import RuleMismatch, find_mismatch
from studies.errors import DomainError
from studies.models import Series
from studies.services.volumes import describe_grid


class RoutingState(StrEnum):
    """Where the rules stand with a series as it now is."""

    WAITING = "waiting"
    """It has not settled: more may arrive."""
    POSTPONED = "postponed"
    """A rule asks for something, and the team has no room for it now."""
    ASKED = "asked"


class RuleOutcome(StrEnum):
    """What a rule made of a series."""

    RAN = "ran"
    """It asked for a run: the rule's own job, or one for the same model that was there before."""
    REFUSED = "refused"
    """It holds, and its model cannot be run here."""
    NOT_ASKED = "not_asked"
    """It holds and was not asked: it is newer than the images, was changed, or they have not settled."""
    OFF = "off"
    """It would hold, and is switched off."""
    DOES_NOT_FIT = "does_not_fit"


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """One rule and one series.

    Attributes
    ----------
    mismatch
        Where it does not fit.
    refusal
        Where its model cannot be run, in a sentence.
    job_id
        Where there is a run.
    """

    title: str
    model_title: str
    outcome: RuleOutcome
    mismatch: RuleMismatch | None = None
    refusal: str = ""
    job_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RoutingView:
    """What the rules made of a series.

    Attributes
    ----------
    verdicts
        Of the rules for its modality, those that hold first.
    other_rules
        How many rules are for other modalities.
    """

    state: RoutingState
    verdicts: tuple[RuleVerdict, ...]
    other_rules: int


def explain_routing(series: Series) -> RoutingView:
    """Return what each rule of the series' team makes of it as it now stands."""
    rules = RoutingRule.objects.filter(Q(team=None) | Q(team=series.study.home_team_id))
    own = [rule for rule in rules if rule.modality == series.modality]
    titles = {spec.name: spec.title for spec in list_models()}
    jobs = _find_jobs(series)
    verdicts = [_judge(rule, series, titles.get(rule.model_name, rule.model_name), jobs) for rule in own]
    verdicts.sort(key=lambda verdict: list(RuleOutcome).index(verdict.outcome))
    return RoutingView(_find_state(series), tuple(verdicts), len(rules) - len(own))


def _find_state(series: Series) -> RoutingState:
    note = RoutingNote.objects.filter(series=series, contents_digest=series.contents_digest).first()
    if note is None:
        return RoutingState.WAITING
    return RoutingState.POSTPONED if note.is_postponed else RoutingState.ASKED


def _find_jobs(series: Series) -> dict[str, SegmentationJob]:
    """Return the newest job for each model over the images as they now stand, on this series or with its help."""
    of_study = SegmentationJob.objects.filter(series__study=series.study_id).order_by("created_at")
    return {
        job.model_name: job
        for job in of_study
        if (job.series_id == series.pk and job.contents_digest == series.contents_digest)
        or any(image["series_id"] == str(series.pk) for image in job.inputs)
    }


def _judge(rule: RoutingRule, series: Series, model_title: str, jobs: dict[str, SegmentationJob]) -> RuleVerdict:
    mismatch = find_mismatch(rule, series)
    if mismatch is not None:
        return RuleVerdict(rule.title, model_title, RuleOutcome.DOES_NOT_FIT, mismatch)
    job = jobs.get(rule.model_name)
    if job is not None:
        return RuleVerdict(rule.title, model_title, RuleOutcome.RAN, job_id=job.pk)
    if not rule.is_enabled:
        return RuleVerdict(rule.title, model_title, RuleOutcome.OFF)
    refusal = _find_refusal(rule, series)
    outcome = RuleOutcome.REFUSED if refusal else RuleOutcome.NOT_ASKED
    return RuleVerdict(rule.title, model_title, outcome, refusal=refusal)


def _find_refusal(rule: RoutingRule, series: Series) -> str:
    try:
        spec = get_model(rule.model_name)
        require_usable(spec, series)
        describe_grid(series)
        choose_inputs(spec, series, {})
    except DomainError as error:
        return error.message
    return ""
