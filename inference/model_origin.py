"""Where a model came from and how good it was found to be, in facts for its card. What nobody states stays unknown."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inference.model_spec import ModelSpec

_LONGEST = 2000
DRAWN = "drawn images"
"""What a method that was measured on no patient's image states as its set."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a card: a stable name that pages translate, and a value; None where nobody states it."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good a model was found to be.

    Attributes
    ----------
    by
        "segweb" where this project measured it, "makers" where only they say it, or empty where nobody does.
    text
        What was found, in words, or empty.
    """

    by: str = ""
    text: str = ""


def list_origin(spec: ModelSpec, provenance: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Return what is known of who made a model from what, and how it came here.

    Parameters
    ----------
    provenance
        What its file says of how the weights came about, and for a network that ships what its training wrote down.
    """
    if spec.network is None:
        return (Fact("makers", "SegWeb"), Fact("training_data", _tell_rule(provenance)))
    if spec.folder is None:
        return _list_own(spec, provenance)
    facts = [_state("makers", provenance), _state("training_data", provenance)]
    optional = ("training", "copyright", "data_reference", "data_licence", "monai_version")
    facts += [fact for name in optional if (fact := _state(name, provenance)).value]
    arrival = provenance.get("imported")
    arrival = arrival if isinstance(arrival, Mapping) else {}
    facts += [Fact("format", spec.format), _state("file_name", arrival), _state("imported_at", arrival)]
    return (*facts, _state("sha256", arrival))


def describe_evaluation(provenance: Mapping[str, Any]) -> Evaluation:
    """Return what was measured by this project, else what the makers say of it, else nothing."""
    cases = [case for case in _read_cases(provenance, "synthetic_cases") if _number(case, "dice") is not None]
    real = len(_read_cases(provenance, "real_cases"))
    if cases:
        compared = {
            "this network": [_number(case, "dice") for case in cases],
            "one threshold for all": [_number(case, "threshold_dice") for case in cases],
            "region growing from one click": [_number(case, "click_dice") for case in cases],
        }
        found = "; ".join(f"{who} {_summarise(values)}" for who, values in compared.items())
        number = "case" if real == 1 else "cases"
        return Evaluation(
            "segweb",
            f"Median Dice (lowest to highest) on {len(cases)} synthetic cases it was not trained on: {found}. "
            f"Real {number} looked at: {real}.",
        )
    said = _state("makers_evaluation", provenance).value
    return Evaluation("makers", said) if said else Evaluation()


def _tell_rule(measured: Mapping[str, Any]) -> str:
    words = "A fixed rule: it is not trained."
    said = [text for name in ("set", "licence", "citation") if (text := _state(name, measured).value)]
    if not said:
        return words
    if said[0] == DRAWN:
        return f"{words} Measured on drawn images; no patient's image."
    return f"{words} Measured on {', '.join(said)}."


def _list_own(spec: ModelSpec, provenance: Mapping[str, Any]) -> tuple[Fact, ...]:
    makers = Fact("makers", f"SegWeb (manage.py train {spec.name})")
    learnt = _state("set", provenance)
    if learnt.value is not None:
        said = ", ".join(text for text in (learnt.value, _state("citation", provenance).value) if text)
        return (
            makers,
            Fact("training_data", said),
            Fact("data_licence", _state("licence", provenance).value),
            _tell_training(provenance),
        )
    if _read_cases(provenance, "synthetic_cases"):
        seed = _number(provenance, "seed")
        beginning = "" if seed is None else f" from seed {seed:.0f}"
        data = Fact("training_data", f"Synthetic images{beginning}; no patient's image.")
        return (makers, data, _tell_training(provenance))
    return (makers, Fact("training_data", None))


def _tell_training(provenance: Mapping[str, Any]) -> Fact:
    seed, steps, cpu_s = (_number(provenance, name) for name in ("seed", "steps", "cpu_s"))
    machine = _state("machine", provenance).value
    parts = (
        None if steps is None else f"{steps:.0f} steps",
        None if seed is None else f"seed {seed:.0f}",
        None if cpu_s is None else f"{cpu_s / 60:.0f} CPU minutes",
        machine,
    )
    return Fact("training", ", ".join(part for part in parts if part) or None)


def _state(name: str, said: Mapping[str, Any]) -> Fact:
    value = said.get(name)
    return Fact(name, value.strip()[:_LONGEST] if isinstance(value, str) and value.strip() else None)


def _read_cases(provenance: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    cases = provenance.get(name)
    return [case for case in cases if isinstance(case, Mapping)] if isinstance(cases, list) else []


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _summarise(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "not measured"
    return f"{statistics.median(known):.2f} ({min(known):.2f} to {max(known):.2f})"
