"""`manage.py evaluate MODEL --cases PATH`: a hospital's own acceptance test of a model. Needs no database."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from inference.registry import get_model
from studies.errors import DomainError

if TYPE_CHECKING:
    from inference.evaluation.run import CaseScore
    from inference.evaluation.wish import SegmentMap
    from inference.model_spec import ModelSpec, Progress

_REFUSED = 2
_PRINTED = ("model", "baseline", "summaries", "by", "judgement", "makers", "remarks", "left_out")


class Command(BaseCommand):
    """Exit codes: 0 done, 2 refused with a reason, 1 anything else."""

    help = "Hold a model against outlined cases, with a simple method beside it; print figures, write JSON and HTML."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("model", help="a name from `manage.py list_models`")
        parser.add_argument("--cases", required=True, type=Path, help="folder or zip: images/ beside masks/ or labels/")
        parser.add_argument("--output", type=Path, help="folder for evaluation.json, evaluation.html, cases.csv")
        parser.add_argument(
            "--baseline", default="region", help="threshold, region, or none: the best each could do knowing the answer"
        )
        parser.add_argument("--modality", default="", help="of images whose format does not say it")
        parser.add_argument(
            "--least-dice", type=float, help="accepted where the lower bound of the mean Dice reaches this, 0 to 1"
        )
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="SEGMENT=NUMBERS",
            help="outlined numbers that count as a segment of the model, as 1=2,3 (default: equal numbers)",
        )

    def handle(self, **options: Any) -> None:
        try:
            self._run(**options)
        except DomainError as error:
            raise CommandError(f"{error.message} [{error.code}]", returncode=_REFUSED) from error

    def _run(self, **options: Any) -> None:
        # the pipeline takes seconds to import: a wrong name is told at once
        spec = get_model(options["model"])
        from inference.evaluation.case_sets import FileCases
        from inference.evaluation.evaluation import evaluate_model
        from inference.evaluation.record import describe_evaluation, write_files
        from inference.evaluation.wish import EvaluationWish, check_wish, choose_modality

        wish = EvaluationWish(
            baseline=options["baseline"],
            modality=options["modality"],
            segments=_read_map(options["map"], spec),
            least_dice=_read_share(options["least_dice"]),
        )
        check_wish(spec, wish)
        cases = FileCases(options["cases"], modality=choose_modality(spec, wish))
        found = evaluate_model(spec, cases, wish, self)
        if (output := options["output"]) is not None:
            output.mkdir(parents=True, exist_ok=True)
            for name, content in write_files(found).items():
                (output / name).write_bytes(content)
        described = describe_evaluation(found)
        self.stdout.write(json.dumps({key: described[key] for key in _PRINTED}))

    def begin_case(self, done: int, total: int) -> None:
        """Scores say how far it is."""

    def follow_run(self, progress: Progress) -> None:
        """Nobody watches window by window."""

    def take_scores(self, scores: tuple[CaseScore, ...]) -> None:
        """Print what was found in a case."""
        for score in scores:
            self.stderr.write(_tell(score))


def _read_share(value: float | None) -> float | None:
    if value is not None and not 0.0 <= value <= 1.0:
        raise CommandError(f"Write --least-dice as a number from 0 to 1, not {value:g}.", returncode=_REFUSED)
    return value


def _read_map(pairs: list[str], spec: ModelSpec) -> SegmentMap | None:
    if not pairs:
        return None
    known = {segment.segment_number for segment in spec.segments}
    found: dict[int, tuple[int, ...]] = {}
    for pair in pairs:
        segment, separator, numbers = pair.partition("=")
        try:
            number, outlined = int(segment), tuple(int(each) for each in numbers.split(","))
        except ValueError:
            number, outlined = -1, ()
        if not separator or number not in known or not outlined:
            listed = ", ".join(f"{each.segment_number} ({each.segment_label})" for each in spec.segments)
            raise CommandError(
                f"Write --map as SEGMENT=NUMBERS, not {pair!r}; segments: {listed}.", returncode=_REFUSED
            )
        found[number] = outlined
    return found


def _tell(score: CaseScore) -> str:
    dice = "nothing outlined" if score.agreement.dice is None else f"Dice {score.agreement.dice:.3f}"
    simple = score.baseline.dice if score.baseline else None
    beside = "" if simple is None else f", baseline {simple:.3f}"
    return f"{score.case}  {score.segment_label}: {dice}{beside}, {score.seconds:.1f} s"
