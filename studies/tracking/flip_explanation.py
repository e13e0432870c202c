"""Why a verdict differs from the one before: which recorded facts changed, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Plain = Mapping[str, Any]
"""`FollowedPatient` as plain values, as an assessment keeps it."""

_PATIENT_FACTS = {
    "clinical_status": "clinical status",
    "is_tumour_marker_elevated": "elevated tumour marker",
    "non_measurable": "disease that is not measured",
    "flair": "T2/FLAIR",
    "liver_mean": "liver mean",
    "liver_sd": "liver SD",
    "blood_mean": "blood pool mean",
    "blood_sd": "blood pool SD",
    "deauville_score": "Deauville score",
    "uptake_trend": "uptake against the baseline",
}


def explain_difference(before: Plain, after: Plain) -> tuple[str, ...]:
    """Return what changed in the inputs of two assessments of one patient, by lesion and day; empty for nothing."""
    return (
        *_compare_lesions(before, after),
        *_compare_timepoints(before, after),
        *_compare_days(before, after),
    )


def _compare_lesions(before: Plain, after: Plain) -> Iterator[str]:
    old = {each["name"]: each for each in before["lesions"]}
    for lesion in after["lesions"]:
        was = old.pop(lesion["name"], None)
        if was is None:
            yield f"{lesion['name']} was added."
            continue
        for field in ("role", "kind", "organ", "certainty", "component"):
            if was.get(field) != lesion.get(field):
                yield f"{lesion['name']}: {field} was {_word(was.get(field))}, is {_word(lesion.get(field))}."
    for name in old:
        yield f"{name} was taken out."


def _compare_timepoints(before: Plain, after: Plain) -> Iterator[str]:
    old = {each["day"]: each for each in before["timepoints"]}
    for timepoint in after["timepoints"]:
        was = old.pop(timepoint["day"], None)
        if was is None:
            yield f"Day {timepoint['day']} was added."
            continue
        yield from _compare_observations(timepoint["day"], was["observations"], timepoint["observations"])
        for field, said in _PATIENT_FACTS.items():
            if was.get(field) != timepoint.get(field):
                yield f"Day {timepoint['day']}, {said}: was {_word(was.get(field))}, is {_word(timepoint.get(field))}."
        if was.get("steroid") != timepoint.get("steroid"):
            yield f"Day {timepoint['day']}: the steroid dose was changed."
    for day in old:
        yield f"Day {day} was taken out."


def _compare_observations(day: int, before: list[Plain], after: list[Plain]) -> Iterator[str]:
    old = {each["lesion"]: each for each in before}
    for seen in after:
        was = old.get(seen["lesion"], {"state": "unmarked", "parts": []})
        said, now = _said(was), _said(seen)
        if said != now:
            yield f"Day {day}, {seen['lesion']}: was {said}, is {now}."
        if bool(was.get("is_unequivocal_progression")) != bool(seen.get("is_unequivocal_progression")):
            verb = "was said to progress" if seen["is_unequivocal_progression"] else "is no longer said to progress"
            yield f"Day {day}, {seen['lesion']} {verb} unequivocally."


def _compare_days(before: Plain, after: Plain) -> Iterator[str]:
    for field, said in (("radiotherapy_end_day", "end of radiotherapy"), ("new_therapy_day", "start of new therapy")):
        if before.get(field) != after.get(field):
            yield f"The {said} was {_day(before.get(field))}, is {_day(after.get(field))}."


def _said(seen: Plain) -> str:
    if not seen["parts"]:
        return _word(seen["state"])
    return " + ".join(f"{p['longest_diameter_mm']} x {p['perpendicular_diameter_mm']} mm" for p in seen["parts"])


def _word(value: object) -> str:
    return "not recorded" if value in (None, "") else str(value).replace("_", " ")


def _day(value: object) -> str:
    return "not recorded" if value is None else f"day {value}"
