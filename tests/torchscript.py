"""Networks as a hospital brings them: TorchScript, in bytes."""

from __future__ import annotations

import io

import torch


def encode_script(module: torch.nn.Module) -> bytes:
    """Return a module as the TorchScript file that would hold it."""
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(module), buffer)  # type: ignore[no-untyped-call]  # torch ships it untyped
    return buffer.getvalue()
