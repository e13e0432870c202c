"""nnU-Net v2 result folders: ``dataset.json``, ``plans.json`` and ``fold_*/checkpoint_final.pth``.

A cascade is imported with the configuration it builds on, whose folder lies beside its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from inference.formats.archive import MOST_CONFIG_BYTES, read_file
from inference.formats.imported import ImportedModel, Naming, describe_segments, digest_file, make_name
from inference.formats.nnunet_checkpoint import Checkpoint, read_checkpoint
from inference.formats.nnunet_postprocessing import read_postprocessing
from inference.formats.refusals import BrokenModelError, UnsafeModelError
from inference.model_spec import Method, ModelSpec
from inference.network_spec import (
    Decision,
    DecisionRule,
    InputChannel,
    NetworkSpec,
    Normalisation,
    Scheme,
    WeightsFile,
)
from inference.pipeline.manifest import freeze
from inference.pipeline.nnunet_networks import NnunetNetwork, pick_parameters
from inference.pipeline.nnunet_plan import Channel, Normalization, Plan, read_plan, trim
from inference.pipeline.nnunet_run import ARCHITECTURE
from inference.pipeline.weights import encode_tensors
from inference.pipeline.windows import GridRule

FORMAT = "nnU-Net v2"
_CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
_MODALITIES = {
    "CT": "CT", "CBCT": "CT", "PET": "PT", "PT": "PT", "US": "US", "XRAY": "CR",
    "MR": "MR", "MRI": "MR", "T1": "MR", "T1C": "MR", "T1CE": "MR", "T1W": "MR", "T2": "MR", "T2W": "MR",
    "FLAIR": "MR", "DWI": "MR", "ADC": "MR", "CINEMRI": "MR",
}  # fmt: skip
_SCHEMES = {
    Normalization.Z_SCORE: Scheme.Z_SCORE,
    Normalization.RESCALE_TO_01: Scheme.MIN_MAX,
    Normalization.NONE: Scheme.NONE,
}


@dataclass(frozen=True, slots=True)
class _Stage:
    """One configuration's folder, read and checked."""

    plan: Plan
    folds: tuple[tuple[str, Checkpoint], ...]
    tensors: tuple[Mapping[str, Tensor], ...]


def is_nnunet(root: Path) -> bool:
    """Tell whether a folder holds such results, for one configuration or for several of one data set."""
    return any(True for _ in _find_candidates(root))


def read_nnunet(root: Path, naming: Naming) -> ImportedModel:
    """Read a result folder into a catalogue entry and torch weights.

    Raises
    ------
    BrokenModelError, inference.pipeline.nnunet_plan.PlanError
        Where files are missing or contradict each other.
    UnsafeModelError
        Where a checkpoint holds more than tensors and plain values.
    inference.pipeline.nnunet_layers.NotSupportedError
        Where it was trained with something that SegWeb does not know; names it.
    """
    folder = _choose(root)
    plans, dataset = _read_json(folder, "plans.json"), _read_json(folder, "dataset.json")
    stages = [_read_stage(folder, plans, dataset)]
    while stages[0].plan.previous:
        stages.insert(0, _read_stage(_find_sibling(folder, stages[0].plan), plans, dataset))
        if len(stages) > 2 or stages[0].plan.heads != stages[-1].plan.heads:
            raise BrokenModelError("A cascade has two stages with the same labels.")
    files: dict[str, bytes] = {}
    weights: list[WeightsFile] = []
    for stage in stages:
        for (fold, _), tensors in zip(stage.folds, stage.tensors, strict=True):
            name = f"{stage.plan.configuration}_{fold}.pt"
            files[name] = encode_tensors(tensors)
            weights.append(digest_file(name, files[name]))
    cleaning = read_postprocessing(folder, stages[-1].plan.heads.labels)
    network = replace(_describe_network(stages, tuple(weights), plans, dataset), keep_largest=cleaning.keep_largest)
    spec = _describe(naming, plans, stages, network)
    spec = replace(spec, card=f"{spec.card}\n\n{cleaning.words}", limits=f"{spec.limits} {cleaning.warning}".strip())
    return ImportedModel(spec, files, _trace(folder, stages))


def _find_candidates(root: Path) -> Iterator[Path]:
    for pattern in ("plans.json", "*/plans.json", "*/*/plans.json"):
        for path in sorted(root.glob(pattern)):
            if (path.parent / "dataset.json").is_file() and any(path.parent.glob("fold_*")):
                yield path.parent


def _choose(root: Path) -> Path:
    """Return the folder of the configuration to import: the only one that no other one builds on."""
    candidates = list(_find_candidates(root))
    built_on = {_find_previous(folder) for folder in candidates}
    left = [folder for folder in candidates if folder not in built_on]
    if len(left) == 1:
        return left[0]
    if not candidates:
        raise BrokenModelError("There are no plans.json, dataset.json and fold_* side by side. Give the whole folder.")
    names = ", ".join(folder.name for folder in left[:8])
    raise BrokenModelError(f"There are several models: {names}. Import the folder of one of them.")


def _find_previous(folder: Path) -> Path | None:
    name, _, configuration = folder.name.rpartition("__")
    configurations = _read_json(folder, "plans.json").get("configurations", {})
    content = configurations.get(configuration, {}) if isinstance(configurations, dict) else {}
    previous = content.get("previous_stage") if isinstance(content, dict) else None
    return folder.parent / f"{name}__{previous}" if isinstance(previous, str) and "/" not in previous else None


def _find_sibling(folder: Path, plan: Plan) -> Path:
    sibling = _find_previous(folder)
    if sibling is None or not (sibling / "plans.json").is_file():
        raise BrokenModelError(
            f"{plan.configuration} builds on {plan.previous}, whose folder is not beside it. "
            "Import the folder that holds both."
        )
    return sibling


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    try:
        content = json.loads(read_file(folder, name, most_bytes=MOST_CONFIG_BYTES))
    except (ValueError, RecursionError) as error:
        raise BrokenModelError(f"{name} is no JSON: {str(error)[:120]}.") from error
    if not isinstance(content, dict):
        raise BrokenModelError(f"{name} holds no names with values.")
    return content


def _read_stage(folder: Path, plans: Mapping[str, Any], dataset: Mapping[str, Any]) -> _Stage:
    paths = _find_checkpoints(folder)
    folds = tuple((path.parent.name, read_checkpoint(path)) for path in paths)
    configurations = {checkpoint.configuration for _, checkpoint in folds}
    if len(configurations) != 1:
        raise BrokenModelError(f"The folds of {folder.name} were trained for {', '.join(sorted(configurations))}.")
    plan = read_plan(plans, dataset, configurations.pop())
    return _Stage(plan, folds, tuple(_pick(plan, fold, checkpoint) for fold, checkpoint in folds))


def _find_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of the numbered folds, or of the one trained on all cases; final ones before best ones."""
    for name in _CHECKPOINTS:
        paths = sorted(folder.glob(f"fold_*/{name}"), key=lambda path: (len(path.parent.name), path.parent.name))
        numbered = [path for path in paths if path.parent.name.removeprefix("fold_").isdigit()]
        chosen = numbered or [path for path in paths if path.parent.name == "fold_all"]
        for path in chosen:
            if not path.resolve().is_relative_to(folder.resolve()):
                raise UnsafeModelError(f"{path.parent.name}/{name} leads out of the model's folder. Copy the file.")
        if chosen:
            return chosen
    raise BrokenModelError(f"{folder.name} has no fold with a checkpoint ({' or '.join(_CHECKPOINTS)}).")


def _pick(plan: Plan, fold: str, checkpoint: Checkpoint) -> Mapping[str, Tensor]:
    with torch.device("meta"):  # nothing of its size is made before the shapes are known to be those of the file
        network = NnunetNetwork(plan.layers, plan.channels_in, plan.heads.count)
    try:
        tensors = pick_parameters(network, checkpoint.tensors)
    except ValueError as error:
        raise BrokenModelError(f"{fold} does not fit the network of {plan.configuration}: {error}.") from error
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise BrokenModelError(f"{fold} holds values that are not numbers.")
    return tensors


def _describe_network(
    stages: list[_Stage], weights: tuple[WeightsFile, ...], plans: Mapping[str, Any], dataset: Mapping[str, Any]
) -> NetworkSpec:
    plan = stages[-1].plan
    kept_plans, kept_dataset = trim(plans, dataset, [stage.plan.configuration for stage in stages])
    first_axis = 3 - plan.layers.dimensions
    heads = plan.heads
    return NetworkSpec(
        architecture=ARCHITECTURE,
        arguments={
            "plans": freeze(kept_plans),
            "dataset": freeze(kept_dataset),
            "stages": tuple((stage.plan.configuration, len(stage.folds)) for stage in stages),
        },
        weights=weights,
        window=plan.window,
        channels=tuple(InputChannel(channel.name, _describe_normalisation(channel)) for channel in plan.channels),
        spacing_mm=cast(tuple[float, float, float], plan.spacing_mm) if first_axis == 0 else None,
        orientation=plan.orientation,
        overlap=plan.overlap,
        grid=GridRule.NNUNET.value,
        pad_value=0.0,
        flat_axis=0 if first_axis else None,
        mirror_axes=_find_mirror_axes(stages),
        decision=Decision(DecisionRule.REGIONS, labels=heads.regions) if heads.regions else Decision(),
    )


def _find_mirror_axes(stages: list[_Stage]) -> tuple[int, ...]:
    """Return the axes of the window, three for a 2D network too, that all stages and folds may be mirrored along."""
    allowed = [
        {axis + 3 - stage.plan.layers.dimensions for axis in checkpoint.mirror_axes}
        for stage in stages
        for _, checkpoint in stage.folds
    ]
    return tuple(sorted(set.intersection(*allowed) & {0, 1, 2}))


def _describe_normalisation(channel: Channel) -> Normalisation:
    if channel.normalization is Normalization.CT:
        return Normalisation(
            Scheme.CLIP_Z_SCORE,
            low=channel.low,
            high=channel.high,
            mean=channel.mean,
            deviation=max(channel.deviation, 1e-8),
        )
    if channel.normalization is Normalization.RGB_TO_01:
        return Normalisation(Scheme.RANGE, low=0.0, high=255.0)
    if channel.normalization is Normalization.Z_SCORE and channel.is_masked:
        return Normalisation(Scheme.Z_SCORE_NONZERO)
    return Normalisation(_SCHEMES[channel.normalization])


def _describe(naming: Naming, plans: Mapping[str, Any], stages: list[_Stage], network: NetworkSpec) -> ModelSpec:
    plan = stages[-1].plan
    dataset_name = str(plans.get("dataset_name", "data set"))
    names = [channel.name for channel in plan.channels]
    marked = ", ".join(label for _, label in plan.heads.labels)
    found = frozenset(_MODALITIES[name.upper()] for name in names if name.upper() in _MODALITIES)
    return ModelSpec(
        name=naming.name or make_name(f"{dataset_name} {plan.configuration}"),
        version=naming.version or "1",
        title=naming.title or f"{dataset_name.replace('_', ' ')} ({plan.configuration})",
        summary=f"Marks {marked[:160]} on {' with '.join(names)[:80]}.",
        limits="Imported; not validated here. How the images must lie is what its training set had; nothing states it.",
        method=Method.NETWORK,
        modalities=naming.modalities or found,
        segments=describe_segments(dict(plan.heads.labels)),
        network=network,
        licence=naming.licence or "not stated",
        card=_write_card(plan, stages),
        format=FORMAT,
        needs_volume=True,
    )


def _write_card(plan: Plan, stages: list[_Stage]) -> str:
    """Write what the folder says about the training."""
    lines = ["## Training", "", "| configuration | fold | trainer | epochs | pseudo Dice while training |"]
    lines += ["|---|---|---|---|---|"]
    for stage in stages:
        for fold, checkpoint in stage.folds:
            epochs = "unknown" if checkpoint.epochs is None else str(checkpoint.epochs)
            dice = "unknown" if checkpoint.pseudo_dice is None else f"{checkpoint.pseudo_dice:.3f}"
            fold_name = fold.removeprefix("fold_")
            lines.append(f"| {stage.plan.configuration} | {fold_name} | `{checkpoint.trainer}` | {epochs} | {dice} |")
    spacing = " x ".join(f"{value:g}" for value in plan.spacing_mm)
    layers = plan.layers
    kind = "residual encoder" if layers.is_residual else "plain"
    lines += [
        "",
        f"U-Net, {kind}, {layers.dimensions}D, feature maps {', '.join(map(str, layers.features))}; "
        f"trained at {spacing} mm.",
        "The pseudo Dice is nnU-Net's own, over patches of its validation cases, not over whole cases.",
    ]
    return "\n".join(lines)


def _trace(folder: Path, stages: list[_Stage]) -> dict[str, object]:
    sources = [digest_file(name, (folder / name).read_bytes()) for name in ("plans.json", "dataset.json")]
    checkpoints = [
        {"path": f"{stage.plan.configuration}/{fold}", "sha256": checkpoint.sha256}
        for stage in stages
        for fold, checkpoint in stage.folds
    ]
    return _tell_training(folder, stages) | {
        "source": [*({"path": s.path, "sha256": s.sha256} for s in sources), *checkpoints]
    }


def _tell_training(folder: Path, stages: list[_Stage]) -> dict[str, object]:
    """Return what the folder says about who trained on what; the score is of patches while training, no evaluation."""
    dataset = _read_json(folder, "dataset.json")
    said: dict[str, object] = {
        name: str(dataset[key])[:2000]
        for name, key in (("data_reference", "reference"), ("data_licence", "licence"))
        if isinstance(dataset.get(key), str) and dataset[key].strip()
    }
    cases, title = dataset.get("numTraining"), dataset.get("name") or dataset.get("description") or ""
    if isinstance(cases, int):
        said["training_data"] = f"{str(title)[:200]} ({cases} cases)".strip()
    trainers = sorted({checkpoint.trainer for stage in stages for _, checkpoint in stage.folds})
    return said | {"training": f"nnU-Net v2, {', '.join(trainers)}, {sum(len(stage.folds) for stage in stages)} folds"}
