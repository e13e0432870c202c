"""How many jobs may wait or run at once: /api/usage-limits. Administrators only."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inference.services.limits import TeamLimit, list_limits_for, set_limit
from studies.permissions import IsAdministrator, client_address, signed_in_user


class LimitWishSerializer(serializers.Serializer[Any]):
    """The limits that a team is to have."""

    team_id = serializers.UUIDField()
    most_per_person = serializers.IntegerField(min_value=1, max_value=100_000)
    most_per_team = serializers.IntegerField(min_value=1, max_value=100_000)


class TeamLimitSerializer(serializers.Serializer[TeamLimit]):
    """A team's limits, and what it has."""

    team_id = serializers.UUIDField()
    team_name = serializers.CharField()
    most_per_person = serializers.IntegerField(help_text="Jobs one person may have waiting or running.")
    most_per_team = serializers.IntegerField(help_text="Jobs in all, whoever asked for them.")
    is_default = serializers.BooleanField(help_text="The installation's settings; the team has none of its own.")
    active_jobs = serializers.IntegerField(help_text="Jobs that wait or run now.")


class LimitListSerializer(serializers.Serializer[Any]):
    """The limits of the administrator's teams."""

    results = TeamLimitSerializer(many=True)


class LimitsView(APIView):
    """The limits."""

    permission_classes = (IsAdministrator,)

    @extend_schema(responses=LimitListSerializer)
    def get(self, request: Request) -> Response:
        """List those of the administrator's own teams."""
        return Response(LimitListSerializer({"results": list_limits_for(signed_in_user(request))}).data)

    @extend_schema(request=LimitWishSerializer, responses=TeamLimitSerializer)
    def put(self, request: Request) -> Response:
        """Give a team limits of its own."""
        wish = LimitWishSerializer(data=request.data)
        wish.is_valid(raise_exception=True)
        limit = set_limit(set_by=signed_in_user(request), address=client_address(request), **wish.validated_data)
        return Response(TeamLimitSerializer(limit).data)


urlpatterns = [path("usage-limits", LimitsView.as_view())]
