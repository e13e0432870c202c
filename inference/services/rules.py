"""What an administrator does with routing rules: lay down, change, drop, and try on what has arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from inference.model_spec import ModelSpec, ParameterKind
from inference.models import RoutingRule
from inference.registry import check_applicable, get_model, validate_parameters
from inference.services.jobs import require_enabled
from inference.services.rule_matching import holds_for
from studies.errors import InvalidInputError, NotFoundError
from studies.models import Role, Series, Team, User
from studies.permissions import NOT_VISIBLE_MESSAGE, require_role, visible_patients, visible_teams
from studies.services import audit

PREVIEWED_SERIES = 200
PREVIEW_EXAMPLES = 10
_ANY_SHAPE = (1, 1, 1)
"""Of the volume: a rule's parameters hold no point, so that it does not matter."""


class RuleInvalidError(InvalidInputError):
    """The rule could never run, or not without a person."""

    code: ClassVar[str] = "rule.invalid"


@dataclass(frozen=True, slots=True)
class RulePreview:
    """For what a rule would have held among what has arrived last.

    Attributes
    ----------
    considered, matching
        Series that were looked at, newest first, and those the rule holds for and its model can take.
    examples
        The newest of those.
    """

    considered: int
    matching: int
    examples: list[Series]


def list_rules_for(user: User) -> QuerySet[RoutingRule]:
    """Return the rules of every team and those of the person's own teams, in the order in which they are tried."""
    return RoutingRule.objects.select_related("team", "created_by").filter(
        Q(team=None) | Q(team__in=visible_teams(user))
    )


def get_rule_for(user: User, rule_id: UUID) -> RoutingRule:
    """Return a rule; `NotFoundError` when it is not there or another team's."""
    rule = list_rules_for(user).filter(pk=rule_id).first()
    if rule is None:
        raise NotFoundError(NOT_VISIBLE_MESSAGE)
    return rule


@transaction.atomic
def create_rule(values: Mapping[str, Any], *, created_by: User, address: str = "") -> RoutingRule:
    """Lay down a rule; it holds for what arrives from now on."""
    rule = build_rule(values, by=created_by)
    rule.created_by = created_by
    rule.save(force_insert=True)
    _record(rule, "routing_rule.created", created_by, address)
    return rule


@transaction.atomic
def change_rule(rule: RoutingRule, values: Mapping[str, Any], *, changed_by: User, address: str = "") -> RoutingRule:
    """Replace what a rule says; jobs that it has asked for stay."""
    wanted = build_rule(values, by=changed_by)
    rule = RoutingRule.objects.select_for_update().get(pk=rule.pk)
    for field in RULE_FIELDS:
        setattr(rule, field, getattr(wanted, field))
    rule.save()
    _record(rule, "routing_rule.changed", changed_by, address)
    return rule


@transaction.atomic
def delete_rule(rule: RoutingRule, *, deleted_by: User, address: str = "") -> None:
    """Drop a rule; jobs that it has asked for stay."""
    require_role(deleted_by, Role.ADMINISTRATOR)
    _record(rule, "routing_rule.deleted", deleted_by, address)
    rule.delete()


def preview_rule(values: Mapping[str, Any], *, by: User) -> RulePreview:
    """Try a rule, without laying it down, on the newest series that the person sees."""
    rule = build_rule(values, by=by)
    seen = Series.objects.filter(study__patient__in=visible_patients(by)).select_related("study__patient")
    newest = seen.order_by("-study__received_at", "series_number", "pk")[:PREVIEWED_SERIES]
    spec = get_model(rule.model_name)
    takes = (s for s in newest if check_applicable(spec, s.modality, s.geometry_verdict) is None)
    matching = [series for series in takes if holds_for(rule, series)]
    return RulePreview(len(newest), len(matching), matching[:PREVIEW_EXAMPLES])


RULE_FIELDS = (
    *("title", "team", "modality", "body_part", "weighting", "has_contrast", "description", "excluded"),
    *("model_name", "parameters", "is_enabled"),
)


def build_rule(values: Mapping[str, Any], *, by: User) -> RoutingRule:
    """Return the rule that an administrator describes, checked and not yet saved.

    Raises
    ------
    RuleInvalidError, inference.registry.InvalidParametersError
        Where it could never run, or not without a person who picks a point.
    """
    require_role(by, Role.ADMINISTRATOR)
    rest = {name: value for name, value in values.items() if name not in ("team_id", "parameters")}
    spec = get_model(rest["model_name"])
    require_enabled(spec)
    _require_sense(spec, rest)
    parameters = validate_parameters(spec, values["parameters"], _ANY_SHAPE)
    return RoutingRule(**rest, team=_find_team(values["team_id"], by), parameters=parameters)


def _require_sense(spec: ModelSpec, values: Mapping[str, Any]) -> None:
    point = next((each for each in spec.parameters if each.kind is ParameterKind.POINT), None)
    if point is not None:
        raise RuleInvalidError(
            f"{spec.title} needs a person to pick {point.label!r} on each image. Choose a model that runs by itself."
        )
    if spec.modalities and values["modality"] not in spec.modalities:
        raise RuleInvalidError(
            f"{spec.title} takes {' or '.join(sorted(spec.modalities))} images; a rule for {values['modality']} would "
            "never run. Choose another modality or model."
        )
    if values["weighting"] and values["modality"] != "MR":
        raise RuleInvalidError("Only MR images have a weighting. Leave it empty, or make this a rule for MR.")


def _find_team(team_id: UUID | None, user: User) -> Team | None:
    if team_id is None:
        return None
    team = visible_teams(user).filter(pk=team_id).first()
    if team is None:
        raise RuleInvalidError("You are not in that team. Choose one of your own, or every team.")
    return team


def _record(rule: RoutingRule, act: str, actor: User, address: str) -> None:
    audit.record(
        act=act,
        actor=actor,
        subject=rule,
        address=address,
        title=rule.title,
        team=rule.team.name if rule.team else "every team",
        model=rule.model_name,
        is_enabled=rule.is_enabled,
    )
