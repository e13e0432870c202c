"""`manage.py evaluate MODEL --cases PATH`: a hospital's own acceptance test of a model. Needs no database."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from inference.registry import get_model, validate_parameters
from studies.errors import DomainError

if TYPE_CHECKING:
    from inference.evaluation.cases import LeftOut
    from inference.evaluation.run import CaseScore, Evaluated, SegmentMap
    from inference.model_spec import ModelSpec

_REFUSED = 2


class Command(BaseCommand):
    """Exit codes: 0 done, 2 refused with a reason, 1 anything else."""

    help = "Hold a model against outlined cases, with a simple method beside it; print figures, write JSON and HTML."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("model", help="a name from `manage.py list_models`")
        parser.add_argument("--cases", required=True, type=Path, help="folder or zip: images/ beside masks/ or labels/")
        parser.add_argument("--output", type=Path, help="folder for evaluation.json and evaluation.html")
        parser.add_argument(
            "--baseline", default="region", help="threshold, region, or none: the best each could do knowing the answer"
        )
        parser.add_argument("--modality", default="OT", help="of images whose format does not say it")
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
        from inference.evaluation import baselines, cases, report, run

        name = options["baseline"]
        if name != "none" and name not in baselines.BASELINES:
            known = ", ".join(sorted(baselines.BASELINES))
            raise CommandError(f"There is no baseline {name!r}. Choose one of: {known}, none.", returncode=_REFUSED)
        stated = _read_map(options["map"], spec)
        source = cases.open_source(options["cases"])
        files, left_out = cases.find_cases(source)
        scores: list[CaseScore] = []
        worst: list[Evaluated] = []
        for case in cases.iterate_cases(source, files, left_out, modality=options["modality"].upper()):
            segments = run.match_segments(spec, case.truth, stated)
            try:
                parameters = validate_parameters(spec, {}, case.image.geometry.shape)
                evaluated = run.evaluate_case(
                    case, spec, segments, parameters=parameters, baseline=baselines.BASELINES.get(name)
                )
            except DomainError as error:
                left_out.append(cases.LeftOut(case.name, error.message))
                continue
            scores += evaluated.scores
            worst = report.find_worst([*worst, evaluated])
            for score in evaluated.scores:
                self.stderr.write(_tell(score))
        if not scores:
            raise CommandError(f"No case could be used. The first: {_first(left_out)}", returncode=_REFUSED)
        self._report(spec, scores, worst, left_out, name, options["output"])

    def _report(
        self,
        spec: ModelSpec,
        scores: list[CaseScore],
        worst: list[Evaluated],
        left_out: list[LeftOut],
        baseline: str,
        output: Path | None,
    ) -> None:
        from inference.evaluation import report

        content = report.build_json(spec, scores, left_out, baseline=baseline)
        if output is not None:
            output.mkdir(parents=True, exist_ok=True)
            (output / "evaluation.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
            page = report.build_html(spec, scores, worst, left_out, baseline=baseline)
            (output / "evaluation.html").write_text(page, encoding="utf-8")
        self.stdout.write(json.dumps({key: content[key] for key in ("model", "baseline", "summaries", "left_out")}))


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


def _first(left_out: list[LeftOut]) -> str:
    return f"{left_out[0].name}: {left_out[0].reason}" if left_out else "there is none"
