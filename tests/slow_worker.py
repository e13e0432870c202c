"""A real worker that rests after each window: ``python -m tests.slow_worker DELAY_S --queues cpu``."""

from __future__ import annotations

import sys
import time
from typing import Any

from inference.model_spec import ModelSpec, OnProgress, Progress
from segweb.celery import app
from studies.imaging.volume import Volume
from studies.label_maps.label_map import LabelMap


def main() -> None:
    """Slow the engine's seam down, then run Celery as the product does."""
    from inference.pipeline import segment as seam

    delay_s, segment = float(sys.argv[1]), seam.segment

    def segment_slowly(volume: Volume, spec: ModelSpec, on_progress: OnProgress, **options: Any) -> LabelMap:
        def report(progress: Progress) -> int | None:
            focus = on_progress(progress)
            time.sleep(delay_s)
            return focus

        return segment(volume, spec, report, **options)

    seam.segment = segment_slowly
    options = ["--pool", "solo", "--concurrency", "1", "--hostname", f"slow-{time.time_ns()}@%h"]
    app.worker_main(["worker", *sys.argv[2:], *options, "--without-gossip", "--without-mingle", "--loglevel", "info"])


if __name__ == "__main__":
    main()
