"""The catalogue of models, and the questions a door asks of it. Imports neither torch nor Django.

The classical methods are written here; each network that ships is a manifest below `inference/weights`, written by
`manage.py train` together with the weights and the evaluation that its card reports. Imported models are manifests in
the data folder, written by `manage.py import_model`; web server and workers see a new one without a restart.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path

from inference.classical.catalogue import CLASSICAL_MODELS
from inference.model_card import render_card
from inference.model_spec import Method, ModelSpec, ParameterKind, Parameters, ParameterSpec, ParameterValue
from inference.pipeline.manifest import WEIGHTS_FOLDER, ManifestError, read_manifest, read_manifests, read_origin
from studies.errors import InvalidInputError, NotFoundError

logger = logging.getLogger(__name__)

_UNUSABLE_VERDICTS = {
    "not_images": "This series holds no images.",
    "mixed_size": "The images of this series differ in size, so they cannot be segmented as one stack.",
}


class UnknownModelError(NotFoundError):
    """No model of that name is in the catalogue."""

    code = "model.unknown"


class InvalidParametersError(InvalidInputError):
    """A parameter is missing, unknown, of the wrong kind or out of bounds."""

    code = "parameters.invalid"


_state: dict[str, Path] = {}


def use_models_folder(folder: Path) -> None:
    """Also list the models that were imported into a folder; the project's start-up names it."""
    _state["folder"] = folder


def models_folder() -> Path | None:
    """Return where imported models lie, or None outside the project."""
    return _state.get("folder")


def list_models() -> tuple[ModelSpec, ...]:
    """Return every model of the catalogue: classical methods, the networks that ship, then imported ones by name."""
    folder = models_folder()
    return list_built_in() + (() if folder is None else _read_imported(_find_manifests(folder)))


@cache
def list_built_in() -> tuple[ModelSpec, ...]:
    """Return the models that ship, classical methods first, each group in a fixed order."""
    methods = (replace(spec, card=read_origin(spec).notes) for spec in CLASSICAL_MODELS)
    models = (*methods, *read_manifests(WEIGHTS_FOLDER))
    return tuple(replace(spec, card=render_card(spec)) for spec in models)


def _find_manifests(folder: Path) -> tuple[tuple[Path, int], ...]:
    """Return the newest version of each imported model with its time stamp: another answer means something changed."""
    newest: dict[str, tuple[list[tuple[int, str]], Path]] = {}
    for path in folder.glob("*/*/manifest.json"):
        rank = _rank_version(path.parent.name)
        name = path.parent.parent.name
        if not name.startswith(".") and (name not in newest or newest[name][0] < rank):
            newest[name] = (rank, path)
    return tuple((path, path.stat().st_mtime_ns) for _, (_, path) in sorted(newest.items()))


def _rank_version(version: str) -> list[tuple[int, str]]:
    """Return a version in a form that sorts "1.10" after "1.9"."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"[._+-]", version)]


@lru_cache(maxsize=2)
def _read_imported(manifests: tuple[tuple[Path, int], ...]) -> tuple[ModelSpec, ...]:
    specs = []
    for path, _ in manifests:
        try:
            spec = replace(read_manifest(path), folder=path.parent)
        except ManifestError:  # one broken folder must not take the whole catalogue away
            logger.exception("The imported model in %s is left out.", path.parent)
            continue
        specs.append(replace(spec, card=render_card(spec)))
    return tuple(specs)


def get_model(name: str) -> ModelSpec:
    """Return the model called `name`.

    Raises
    ------
    UnknownModelError
        Where there is none.
    """
    for spec in list_models():
        if spec.name == name:
            return spec
    known = ", ".join(spec.name for spec in list_models())
    raise UnknownModelError(f"There is no model called {name[:64]!r}. Choose one of: {known}.")


def list_versions(name: str) -> tuple[str, ...]:
    """Return the imported versions of a model, the newest first; only that one is in the catalogue."""
    folder = models_folder()
    paths = folder.glob("*/*/manifest.json") if folder else ()
    versions = [path.parent.name for path in paths if path.parent.parent.name == name]
    return tuple(sorted(versions, key=_rank_version, reverse=True))


def check_applicable(spec: ModelSpec, modality: str, verdict: str) -> str | None:
    """Say in a sentence why a model cannot run on a series, or return None where it can.

    Parameters
    ----------
    modality
        DICOM modality of the series, as "MR".
    verdict
        Geometry verdict of the series, as "regular".
    """
    if spec.modalities and modality not in spec.modalities:
        return f"{spec.title} takes {' or '.join(sorted(spec.modalities))} images, and this series is {modality}."
    if verdict in _UNUSABLE_VERDICTS:
        return _UNUSABLE_VERDICTS[verdict]
    if spec.needs_volume and verdict != "regular":
        return f"{spec.title} needs evenly spaced, parallel slices, and this series has none."
    return None


def validate_parameters(spec: ModelSpec, raw: Mapping[str, object], shape: tuple[int, int, int]) -> Parameters:
    """Check what a person entered against a model's parameters and fill in the defaults.

    Parameters
    ----------
    raw
        Values as they come from JSON: numbers, or [slice, row, column] for a point. Validated values pass unchanged.
    shape
        (slices, rows, columns) of the volume that points must lie in.

    Raises
    ------
    InvalidParametersError
        Its `details["parameter"]` names the culprit where there is one.
    """
    known = {parameter.name for parameter in spec.parameters}
    for name in raw:
        if name not in known:
            raise InvalidParametersError(f"{spec.title} has no parameter {str(name)[:64]!r}.", parameter=str(name)[:64])
    parameters = {p.name: _validate_value(p, raw.get(p.name), shape) for p in spec.parameters}
    check = _CHECKS_TOGETHER.get(spec.method)
    if check is not None:
        check(parameters)
    return parameters


def _validate_value(parameter: ParameterSpec, value: object, shape: tuple[int, int, int]) -> ParameterValue:
    if value is None:
        value = parameter.default
    if value is None:
        verb = "Pick a point for" if parameter.kind is ParameterKind.POINT else "Enter a value for"
        raise _refuse(parameter, f"{verb} {parameter.label!r}.")
    if parameter.kind is ParameterKind.POINT:
        return _validate_point(parameter, value, shape)
    return _validate_number(parameter, value)


def _validate_number(parameter: ParameterSpec, value: object) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refuse(parameter, f"{parameter.label!r} must be a number.")
    if isinstance(value, int) and abs(value) > 2**53:
        raise _refuse(parameter, f"{parameter.label!r} is too large.")
    if not math.isfinite(value):
        raise _refuse(parameter, f"{parameter.label!r} must be a finite number.")
    if parameter.kind is ParameterKind.INTEGER and value != int(value):
        raise _refuse(parameter, f"{parameter.label!r} must be a whole number.")
    if parameter.minimum is not None and value < parameter.minimum:
        raise _refuse(parameter, f"{parameter.label!r} must be at least {parameter.minimum:g}.")
    if parameter.maximum is not None and value > parameter.maximum:
        raise _refuse(parameter, f"{parameter.label!r} must be at most {parameter.maximum:g}.")
    return int(value) if parameter.kind is ParameterKind.INTEGER else float(value)


def _validate_point(parameter: ParameterSpec, value: object, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or len(value) != 3:
        raise _refuse(parameter, f"{parameter.label!r} must be three whole numbers: slice, row, column.")
    point = []
    for coordinate, size in zip(value, shape, strict=True):
        if isinstance(coordinate, bool) or not isinstance(coordinate, int | float) or not math.isfinite(coordinate):
            raise _refuse(parameter, f"{parameter.label!r} must be three whole numbers: slice, row, column.")
        if coordinate != int(coordinate) or not 0 <= coordinate < size:
            raise _refuse(parameter, f"{parameter.label!r} must lie inside the image of {shape} voxels.")
        point.append(int(coordinate))
    return (point[0], point[1], point[2])


def _refuse(parameter: ParameterSpec, message: str) -> InvalidParametersError:
    return InvalidParametersError(message, parameter=parameter.name)


def _check_threshold(parameters: Parameters) -> None:
    lower, upper = parameters["lower"], parameters["upper"]
    if isinstance(lower, float) and isinstance(upper, float) and lower > upper:
        raise InvalidParametersError("The lower bound must not exceed the upper bound.", parameter="lower")


_CHECKS_TOGETHER: dict[Method, Callable[[Parameters], None]] = {Method.THRESHOLD: _check_threshold}
