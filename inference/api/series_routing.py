"""Why a series was, or was not, segmented before anybody opened it: /api/series/<id>/routing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inference.services.routing_view import RoutingState, RoutingView, RuleOutcome, RuleVerdict, explain_routing
from inference.services.rule_matching import Mismatch
from studies.permissions import signed_in_user
from studies.selectors.series import get_series_for


class RuleMismatchSerializer(serializers.Serializer[Any]):
    """The first thing that keeps a rule from the series."""

    code = serializers.ChoiceField(choices=[(each.value, each.value) for each in Mismatch])
    asked = serializers.CharField(help_text="What the rule wants; empty where the code says it all.")
    said = serializers.CharField(help_text="What the series says; empty where it says nothing.")


class RuleVerdictSerializer(serializers.Serializer[RuleVerdict]):
    """What a rule made of the series."""

    title = serializers.CharField()
    model_title = serializers.CharField()
    outcome = serializers.ChoiceField(choices=[(each.value, each.value) for each in RuleOutcome])
    mismatch = RuleMismatchSerializer(allow_null=True)
    refusal = serializers.CharField(help_text="Why the model cannot be run, in a sentence; empty where it can.")
    job_id = serializers.UUIDField(allow_null=True)


class SeriesRoutingSerializer(serializers.Serializer[RoutingView]):
    """What the rules made of the series."""

    state = serializers.ChoiceField(choices=[(each.value, each.value) for each in RoutingState])
    verdicts = RuleVerdictSerializer(many=True, help_text="Of rules for its modality, those that hold first.")
    other_rules = serializers.IntegerField(help_text="How many rules are for other modalities.")


class SeriesRoutingView(APIView):
    """The rules and one series."""

    @extend_schema(responses=SeriesRoutingSerializer)
    def get(self, request: Request, series_id: UUID) -> Response:
        """Return which rules hold for the series as it stands, and what keeps the others from it."""
        series = get_series_for(signed_in_user(request), series_id)
        return Response(SeriesRoutingSerializer(explain_routing(series)).data)


urlpatterns = [path("series/<uuid:series_id>/routing", SeriesRoutingView.as_view())]
