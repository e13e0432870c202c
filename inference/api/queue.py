"""The queues: /api/queue. Administrators only."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inference.api.jobs import STATES, JobSerializer
from inference.services.queue_view import ModelDuration, QueuedJob, QueueState, QueueView, SeenWorker, view_queues
from studies.api.briefs import PatientBriefSerializer
from studies.permissions import IsAdministrator, signed_in_user


class SeenWorkerSerializer(serializers.Serializer[SeenWorker]):
    """A worker process that has, or in the last hour had, a job."""

    name = serializers.CharField(help_text="Host, process and its start.")
    queue = serializers.CharField()
    device = serializers.CharField(help_text="What it computes on, as it said itself; may be empty.")
    is_running = serializers.BooleanField()
    last_seen_at = serializers.DateTimeField()


class QueuedJobSerializer(serializers.Serializer[QueuedJob]):
    """A job in a queue; `job` and `patient` are null where it is another team's."""

    state = serializers.ChoiceField(choices=STATES)
    position = serializers.IntegerField(allow_null=True, help_text="1 is the next to run; null while it runs.")
    is_awaited = serializers.BooleanField()
    queued_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    job = JobSerializer(allow_null=True)
    patient = PatientBriefSerializer(allow_null=True)
    series_description = serializers.CharField()
    team_name = serializers.CharField(help_text="Empty where it is another team's.")


class QueueStateSerializer(serializers.Serializer[QueueState]):
    """One queue: what runs, then what waits, the next one first."""

    queue = serializers.CharField()
    running = QueuedJobSerializer(many=True)
    waiting = QueuedJobSerializer(many=True)


class ModelDurationSerializer(serializers.Serializer[ModelDuration]):
    """How long a model takes, over its last successful runs."""

    model_name = serializers.CharField()
    model_title = serializers.CharField()
    median_s = serializers.FloatField()
    run_count = serializers.IntegerField(help_text="Runs that were measured, at most 50.")


class QueueViewSerializer(serializers.Serializer[QueueView]):
    """Workers, queues and durations."""

    workers = SeenWorkerSerializer(many=True)
    queues = QueueStateSerializer(many=True)
    durations = ModelDurationSerializer(many=True)


class QueueApiView(APIView):
    """The queues."""

    permission_classes = (IsAdministrator,)

    @extend_schema(responses=QueueViewSerializer)
    def get(self, request: Request) -> Response:
        """Tell who works, what runs, what waits in which order, and how long models take."""
        view: Any = view_queues(signed_in_user(request))
        return Response(QueueViewSerializer(view).data)


urlpatterns = [path("queue", QueueApiView.as_view())]
