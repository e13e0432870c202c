"""Lays down the rules that an installation starts with, each once: an administrator's word on it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from django.db import transaction

from inference.default_rules import DEFAULT_RULES, DefaultRule
from inference.model_spec import ModelSpec
from inference.models import LaidDefault, RoutingRule
from inference.registry import list_built_in, validate_parameters
from studies.services import audit

_OF_THE_TABLE = ("name", "is_proven", "is_measured_on_drawings")


@transaction.atomic
def lay_down_default_rules(defaults: Sequence[DefaultRule] = DEFAULT_RULES) -> list[RoutingRule]:
    """Lay down the default rules whose models ship and that were never laid down; return those of this time.

    A rule that was changed, switched or deleted is left as it is.
    """
    models = {spec.name: spec for spec in list_built_in()}
    known = set(LaidDefault.objects.values_list("name", flat=True))
    wanted = [each for each in defaults if each.name not in known and each.model_name in models]
    return [_lay_down(each, models[each.model_name]) for each in wanted]


def build_default(default: DefaultRule, spec: ModelSpec) -> RoutingRule:
    """Return the rule, for every team and not yet saved."""
    values = {name: value for name, value in asdict(default).items() if name not in _OF_THE_TABLE}
    parameters = validate_parameters(spec, {}, (1, 1, 1))
    return RoutingRule(**values, parameters=parameters, is_enabled=default.is_on_at_first(spec))


def _lay_down(default: DefaultRule, spec: ModelSpec) -> RoutingRule:
    rule = build_default(default, spec)
    rule.save(force_insert=True)
    LaidDefault.objects.create(name=default.name)
    audit.record(
        act="routing_rule.created",
        actor=audit.SYSTEM_ACTOR,
        subject=rule,
        title=rule.title,
        team="every team",
        model=rule.model_name,
        is_enabled=rule.is_enabled,
    )
    return rule
