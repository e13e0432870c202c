"""`manage.py segment INPUT --model NAME --output OUT`: the pipeline without a server or a database."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from inference.command_line import (
    SegmentInput,
    check_output,
    choose_modality,
    read_channels,
    read_input,
    read_parameters,
    read_paths,
    write_output,
)
from inference.model_spec import ModelSpec, Progress
from inference.pipeline.segment import segment
from inference.registry import check_applicable, get_model, validate_parameters
from studies.dicom.found_volume import scale_found_uptake
from studies.errors import DomainError
from studies.label_maps.label_map import LabelMap

_REFUSED, _INTERRUPTED = 2, 130


class Command(BaseCommand):
    """Exit codes: 0 done, 2 refused with a reason, 130 interrupted, 1 anything else."""

    help = (
        "Segment a DICOM folder, a NIfTI image or a photograph and write a NIfTI label map, a DICOM segmentation or, "
        "of a photograph, a PNG of segment numbers."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("input", type=Path, help="a DICOM file or folder, a NIfTI image, or a PNG or JPEG")
        parser.add_argument("--model", required=True, help="a name from `manage.py list_models`")
        parser.add_argument("--output", required=True, type=Path, help="where to write: .nii.gz, .nii, .dcm or .png")
        parser.add_argument(
            "--channel",
            action="append",
            default=[],
            metavar="NAME=PATH",
            help="another image of a network that reads several, as T2=t2.nii.gz",
        )
        parser.add_argument(
            "--parameter", action="append", default=[], metavar="NAME=VALUE", help="points as slice,row,column from 0"
        )
        parser.add_argument("--focus", type=int, help="slice to begin with (from 0); never changes the result")
        parser.add_argument("--series", metavar="UID", help="Series Instance UID, where INPUT holds several")
        parser.add_argument(
            "--modality", default="", help="of a NIfTI image or photograph (default: one the model takes)"
        )

    def handle(self, **options: Any) -> None:
        try:
            self._run(**options)
        except DomainError as error:
            raise CommandError(f"{error.message} [{error.code}]", returncode=_REFUSED) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped; nothing was written.", returncode=_INTERRUPTED) from error

    def _run(self, **options: Any) -> None:
        spec = get_model(options["model"])
        raw = read_parameters(spec, options["parameter"])
        check_output(options["output"], options["input"])
        modality = (options["modality"] or choose_modality(spec)).upper()
        given = read_input(
            options["input"], series=options["series"], modality=modality, reads_colours=spec.reads_colours
        )
        given = read_channels(spec, given, read_paths(options["channel"]))
        shape = given.volume.geometry.shape
        parameters = validate_parameters(spec, raw, shape)
        reason = check_applicable(spec, given.volume.modality, given.verdict)
        if reason is not None:
            raise CommandError(reason, returncode=_REFUSED)
        focus = shape[0] // 2 if options["focus"] is None else options["focus"]
        # a NIfTI image is taken to be in SUV
        volume = given.volume
        if spec.reads_uptake and given.found is not None:
            volume = scale_found_uptake(given.found, volume)
        began = time.monotonic()
        label_map = segment(
            volume,
            spec,
            self._show,
            parameters=parameters,
            focus=(focus, shape[1] // 2, shape[2] // 2),
            channels=given.channels if spec.reads_colours or len(given.channels) > 1 else (),
        )
        if self.stderr.isatty():
            self.stderr.write("")
        write_output(options["output"], label_map, spec, given.found)
        self._summarise(label_map, spec, given, options["output"], time.monotonic() - began)

    def _show(self, progress: Progress) -> None:
        done = f" {progress.windows_done}/{progress.windows_total}" if progress.windows_total else ""
        if self.stderr.isatty():
            self.stderr.write(f"\r{progress.stage}{done}    ", ending="")
        elif progress.windows_done == progress.windows_total:
            self.stderr.write(f"{progress.stage}{done}")

    def _summarise(
        self, label_map: LabelMap, spec: ModelSpec, given: SegmentInput, output: Path, seconds: float
    ) -> None:
        for description in label_map.segments:
            count = int((label_map.voxels == description.segment_number).sum())
            volume = f"{count * label_map.geometry.voxel_volume_ml:.2f} mL, " if given.has_spacing else ""
            self.stderr.write(f"{description.segment_label}: {volume}{count} {'voxels' if volume else 'pixels'}")
        self.stderr.write(f"{spec.name} {spec.version} in {seconds:.1f} s, {label_map.digest}")
        self.stdout.write(str(output))
