"""What runs by itself on which images: /api/routing-rules. Administrators only."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inference.api.jobs import ParametersField
from inference.models import RULE_WORDS, RoutingRule
from inference.services.rules import (
    RulePreview,
    change_rule,
    create_rule,
    delete_rule,
    get_rule_for,
    list_rules_for,
    preview_rule,
)
from studies.api.briefs import PatientBriefSerializer
from studies.permissions import IsAdministrator, client_address, signed_in_user
from studies.tracking.acquisition_facts import Weighting


class RuleWishSerializer(serializers.Serializer[Any]):
    """What a rule says. Empty conditions hold for everything."""

    title = serializers.CharField(max_length=120)
    team_id = serializers.UUIDField(allow_null=True, default=None, help_text="Whose studies; null is every team's.")
    modality = serializers.RegexField(r"^[A-Z]{2,16}$", help_text="As DICOM has it: CT, MR, PT, ...")
    body_part = serializers.CharField(
        max_length=RULE_WORDS,
        allow_blank=True,
        default="",
        help_text="Of BodyPartExamined or of the study's or series' description; commas part alternatives.",
    )
    weighting = serializers.ChoiceField(choices=[(w.value, w.value) for w in Weighting], allow_blank=True, default="")
    has_contrast = serializers.BooleanField(
        allow_null=True, default=None, help_text="Whether a contrast agent must, or must not, have been given."
    )
    description = serializers.CharField(
        max_length=RULE_WORDS,
        allow_blank=True,
        default="",
        help_text="Beginnings of words of the series' description; commas part alternatives.",
    )
    excluded = serializers.CharField(
        max_length=RULE_WORDS,
        allow_blank=True,
        default="",
        help_text="None of these may stand in BodyPartExamined or the series' description; commas part them.",
    )
    model_name = serializers.CharField(max_length=64)
    parameters = ParametersField(default=dict)
    is_enabled = serializers.BooleanField(default=True)


class RuleSerializer(serializers.Serializer[RoutingRule]):
    """A rule."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    team_id = serializers.UUIDField(allow_null=True)
    team_name = serializers.CharField(source="team.name", default=None, allow_null=True)
    modality = serializers.CharField()
    body_part = serializers.CharField()
    weighting = serializers.CharField()
    has_contrast = serializers.BooleanField(allow_null=True)
    description = serializers.CharField()
    excluded = serializers.CharField()
    model_name = serializers.CharField()
    parameters = ParametersField()
    is_enabled = serializers.BooleanField()
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class RuleListSerializer(serializers.Serializer[Any]):
    """Rules, in the order in which they are tried."""

    results = RuleSerializer(many=True)


class PreviewExampleSerializer(serializers.Serializer[Any]):
    """A series that the rule holds for."""

    study_id = serializers.UUIDField()
    series_id = serializers.UUIDField(source="pk")
    patient = PatientBriefSerializer(source="study.patient")
    study_date = serializers.DateField(source="study.study_date", allow_null=True)
    series_description = serializers.CharField()


class RulePreviewSerializer(serializers.Serializer[RulePreview]):
    """For what a rule would have held among the newest series that the person sees."""

    considered = serializers.IntegerField()
    matching = serializers.IntegerField()
    examples = PreviewExampleSerializer(many=True)


def _read_wish(request: Request) -> dict[str, Any]:
    wish = RuleWishSerializer(data=request.data)
    wish.is_valid(raise_exception=True)
    return dict(wish.validated_data)


class RulesView(APIView):
    """The rules."""

    permission_classes = (IsAdministrator,)

    @extend_schema(responses=RuleListSerializer)
    def get(self, request: Request) -> Response:
        """List those of every team and of the administrator's own teams."""
        return Response(RuleListSerializer({"results": list_rules_for(signed_in_user(request))}).data)

    @extend_schema(request=RuleWishSerializer, responses={201: RuleSerializer})
    def post(self, request: Request) -> Response:
        """Lay down a rule for what arrives from now on."""
        values = _read_wish(request)
        rule = create_rule(values, created_by=signed_in_user(request), address=client_address(request))
        return Response(RuleSerializer(rule).data, status=status.HTTP_201_CREATED)


class RulePreviewView(APIView):
    """A rule before it is laid down."""

    permission_classes = (IsAdministrator,)

    @extend_schema(request=RuleWishSerializer, responses=RulePreviewSerializer)
    def post(self, request: Request) -> Response:
        """Tell for which of the newest series it would have held."""
        preview = preview_rule(_read_wish(request), by=signed_in_user(request))
        return Response(RulePreviewSerializer(preview).data)


class RuleView(APIView):
    """One rule."""

    permission_classes = (IsAdministrator,)

    @extend_schema(request=RuleWishSerializer, responses=RuleSerializer)
    def put(self, request: Request, rule_id: UUID) -> Response:
        """Replace what it says."""
        user = signed_in_user(request)
        rule = get_rule_for(user, rule_id)
        changed = change_rule(rule, _read_wish(request), changed_by=user, address=client_address(request))
        return Response(RuleSerializer(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, rule_id: UUID) -> Response:
        """Drop it; jobs that it has asked for stay."""
        user = signed_in_user(request)
        delete_rule(get_rule_for(user, rule_id), deleted_by=user, address=client_address(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


urlpatterns = [
    path("routing-rules", RulesView.as_view()),
    path("routing-rules/preview", RulePreviewView.as_view()),
    path("routing-rules/<uuid:rule_id>", RuleView.as_view()),
]
