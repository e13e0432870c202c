"""What the tests of jobs and of the live overlay share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asgiref.sync import SyncToAsync
from django.db import connections

from inference import stream_cache
from studies.models import Series, User
from tests.archives import archive_series
from tests.factories import PatientFactory, TeamFactory, UserFactory
from tests.phantoms import SeriesSpec, sphere, write_series
from tests.stack import LiveStack, live_stack

__all__ = ["live_stack"]

BALL = SeriesSpec(shape=(12, 32, 40), spacing_mm=(2.0, 1.0, 1.0))
BALL_RADIUS_MM = 8.0


@pytest.fixture
def stack(live_stack: LiveStack, transactional_db: None, settings: Any) -> Iterator[LiveStack]:
    """The live stack with this process on its broker: what is published here reaches its sockets."""
    hosts = [live_stack.broker_url.replace("redis+socket://", "unix://")]
    layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": hosts}}
    settings.CHANNEL_LAYERS = {"default": layer}
    yield live_stack
    stream_cache.close_reader()
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()  # else PostgreSQL keeps the database


@pytest.fixture
def ball_of(tmp_path: Path) -> Callable[..., Series]:
    """Archive a bright ball (100) on a dark ground (-800), of a patient of the person's first team."""

    def archive(person: User, spec: SeriesSpec = BALL) -> Series:
        voxels = np.where(sphere(spec, BALL_RADIUS_MM), 100, -800)
        patient = PatientFactory(home_team=person.teams.all()[0])
        folder = tmp_path / patient.patient_id
        folder.mkdir()
        return archive_series(
            write_series(folder, replace(spec, voxels=voxels, patient_id=patient.patient_id)), study__patient=patient
        )

    return archive


@pytest.fixture
def reader(db: None) -> User:
    """A clinician in a team of their own."""
    return UserFactory(teams=[TeamFactory()])


@pytest.fixture
def ball(reader: User, ball_of: Callable[..., Series]) -> Series:
    """A ball that the reader may see."""
    return ball_of(reader)
