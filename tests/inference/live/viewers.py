"""A browser's side of the live overlay, without the browser."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
from websockets.asyncio.client import ClientConnection

from studies.label_maps.codec import Brick, decode_brick
from tests.stack import LiveStack


@dataclass
class Viewer:
    """Follows one job over a real socket and remembers everything it was told."""

    stack: LiveStack
    session_key: str
    job_id: UUID
    is_acknowledging: bool = True
    attempt: int = 0
    sequence: int = 0
    bricks: list[Brick] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    async def watch(self, *, until_bricks: int | None = None, within_s: float = 90.0) -> None:
        """Resume where it stopped, and follow until the stream ends or so many bricks have come in all."""
        async with (
            asyncio.timeout(within_s),
            self.stack.websocket(f"/ws/jobs/{self.job_id}", self.session_key) as socket,
        ):
            await self.say(socket, type="stream.resume", attempt=self.attempt, after_sequence=self.sequence)
            async for message in socket:
                if await self.take(socket, message) or len(self.bricks) == until_bricks:
                    return

    async def take(self, socket: ClientConnection, message: str | bytes) -> bool:
        """Take one message; return whether it ended the stream."""
        if isinstance(message, bytes):
            brick = decode_brick(message)
            assert brick.sequence == self.sequence + 1, "bricks come in order and without holes"
            self.sequence = brick.sequence
            self.bricks.append(brick)
            if self.is_acknowledging:
                await self.say(socket, type="bricks.acknowledged", sequence=self.sequence)
            return False
        event = json.loads(message)
        self.messages.append(event)
        if event["type"] == "attempt.started":
            self.attempt, self.sequence, self.bricks = event["attempt"], 0, []
        return bool(event["type"] == "stream.ended")

    async def say(self, socket: ClientConnection, **message: Any) -> None:
        """Send a message."""
        await socket.send(json.dumps(message))

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of one type, in order."""
        return [message for message in self.messages if message["type"] == kind]

    def label_map(self, shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
        """Return what the bricks add up to; a voxel that was never sent is 255."""
        voxels = np.full(shape, 255, np.uint8)
        for brick in self.bricks:
            voxels[brick.box] = brick.voxels
        return voxels
