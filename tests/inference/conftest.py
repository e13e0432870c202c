"""What the tests of jobs and of the live overlay share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inference import stream_cache
from tests.stack import LiveStack, live_stack

__all__ = ["live_stack"]


@pytest.fixture
def stack(live_stack: LiveStack, transactional_db: None, settings: object) -> Iterator[LiveStack]:
    """The live stack with this process on its broker: what is published here reaches its sockets."""
    hosts = [live_stack.broker_url.replace("redis+socket://", "unix://")]
    layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": hosts}}
    settings.CHANNEL_LAYERS = {"default": layer}
    yield live_stack
    stream_cache.close_reader()
