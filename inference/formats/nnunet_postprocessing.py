"""What an nnU-Net result folder says shall be done to label maps: ``postprocessing.json``.

nnU-Net writes it beside the predictions of its cross-validation; the ``postprocessing.pkl`` beside it says the same in
a form that may run code when it is read, so that SegWeb never opens it.

References
----------
nnU-Net's `determine_postprocessing`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.formats.archive import MOST_CONFIG_BYTES, read_file
from inference.formats.refusals import BrokenModelError

_NAME = "postprocessing.json"
_KNOWN = "remove_all_but_largest_component_from_segmentation"


@dataclass(frozen=True, slots=True)
class Postprocessing:
    """What becomes of a label map.

    Attributes
    ----------
    keep_largest
        As `NetworkSpec.keep_largest`.
    words
        For the model's card.
    warning
        Where something that was found is left undone; else empty.
    """

    keep_largest: tuple[tuple[int, ...], ...]
    words: str
    warning: str = ""


def read_postprocessing(folder: Path, labels: Iterable[tuple[int, str]]) -> Postprocessing:
    """Read what a configuration's folder, or its cross-validation's within, says about label maps.

    Parameters
    ----------
    folder
        Of one configuration.
    labels
        The numbers that its label maps hold, with their names.

    Raises
    ------
    BrokenModelError
        Where the file is damaged, or asks for what SegWeb does not know: without it the label map would be another.
    """
    names = dict(labels)
    places = [folder, *sorted(folder.glob("crossval_results_folds_*"), key=lambda path: (-len(path.name), path.name))]
    place = next((place for place in places if (place / _NAME).is_file()), None)
    if place is None:
        return _tell_absent(places)
    groups = tuple(_read_steps(place, set(names)))
    if not groups:
        return Postprocessing((), "Label maps stay as they are: its makers found no gain in postprocessing.")
    kept = "; ".join(", ".join(names[label] for label in group) for group in groups)
    return Postprocessing(groups, f"Only the largest connected part stays, as its makers found best, of: {kept}.")


def _tell_absent(places: list[Path]) -> Postprocessing:
    if any((place / "postprocessing.pkl").is_file() for place in places):
        words = (
            "postprocessing.pkl is not applied: reading it could run code. Put the postprocessing.json that nnU-Net "
            "writes beside it into the folder and import it again to have it applied."
        )
        return Postprocessing((), words, words)
    return Postprocessing((), "The folder asks for no postprocessing of label maps.")


def _read_steps(place: Path, labels: set[int]) -> Iterable[tuple[int, ...]]:
    try:
        content = json.loads(read_file(place, _NAME, most_bytes=MOST_CONFIG_BYTES))
        steps = list(zip(content["postprocessing_fns"], content["postprocessing_kwargs"], strict=True))
        groups = [(name, set(arguments), _flatten(arguments.get("labels_or_regions"))) for name, arguments in steps]
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise BrokenModelError(f"{_NAME} is damaged: {str(error)[:120]}. Copy it again, or leave it out.") from error
    for name, arguments, group in groups:
        if name != _KNOWN or arguments - {"labels_or_regions"}:
            raise BrokenModelError(f"{_NAME} asks for {str(name)[:80]}, which SegWeb does not know. Leave it out.")
        if not group or not set(group) <= labels:
            raise BrokenModelError(f"{_NAME} names labels that the model does not mark. Leave it out.")
        yield group


def _flatten(value: Any) -> tuple[int, ...]:
    """Return the labels of a label, a region or a list of these: nnU-Net takes them together."""
    if isinstance(value, bool) or not isinstance(value, int | list):
        raise TypeError("labels are numbers")
    return (value,) if isinstance(value, int) else tuple(sorted({label for part in value for label in _flatten(part)}))
