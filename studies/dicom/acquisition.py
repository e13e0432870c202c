"""How a series was taken, read from the headers of its images; enhanced multi-frame objects included.

What is not written stays unknown. Only three things are concluded: the weighting of an MR series from its echo,
repetition and inversion times (from its description where they say nothing), and the contrast phase and the presence of
a contrast agent from words in the description.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from pydicom.dataset import Dataset

from studies.dicom.suv import SuvRefusal, read_suv_factor
from studies.dicom.suv_times import ScanTime, read_injection_time, read_scan_time
from studies.dicom.values import ValueReader
from studies.tracking.acquisition_facts import AcquisitionFacts, ContrastPhase, Purpose, Vector, Weighting

LONG_ECHO_MS, SHORT_ECHO_MS = 60.0, 30.0
LONG_REPETITION_MS, SHORT_REPETITION_MS = 2000.0, 1000.0
FLUID_INVERSION_MS = 1500.0
"""Cerebrospinal fluid is nulled by an inversion time of 1.7 s (1.5 T) to 2.8 s (3 T)."""
SHORT_GRADIENT_ECHO_MS = 12.0
_NESTED = 3
_TOLD_BY_WORDS = frozenset(Weighting) - {Weighting.T1, Weighting.T2}
"""What echo, repetition and inversion times cannot tell from others: the description alone says it."""
_LOCALIZER = r"loc|localizer|localiser|scout|survey|3 ?pl\w*|topogram|surview"
_REFORMATS = frozenset(
    {"REFORMATTED", "MPR", "CURVED", "CPR", "MIP", "MINIP", "PROJECTION IMAGE", "VOLREN", "VRT", "SSD", "SCREEN SAVE"}
)
"""Values of ImageType; DERIVED alone says little: filtered and corrected images are DERIVED too."""
_SUBTRACTION = r"sub|subtraction|subtracted|subtr"

_PHASES = (
    (ContrastPhase.ARTERIAL, r"arteri\w*|art"),
    (ContrastPhase.PORTAL_VENOUS, r"portal\w*|portalven\w*|venous|ven[oö]s\w*|pv"),
    (ContrastPhase.DELAYED, r"delay\w*|late|sp[aä]t\w*|equilibrium"),
    (ContrastPhase.NATIVE, r"nativ\w*|unenhanced|non ?contrast|noncontrast|ncct|w o"),
)
_GIVEN = r"post|ce|c\+|gd|gad\w*|km|mit km|enhanced|contrast|post ?contrast|\+c|t1c"
_NOT_GIVEN = r"pre|nativ\w*|unenhanced|non ?contrast|noncontrast|ncct|ohne|without|w o"
_DESCRIBED = (
    (Weighting.ADC, r"e?adc|apparent diffusion\w*"),
    (Weighting.DIFFUSION, r"dwi|diff\w*|dti|trace\w*"),
    (Weighting.PERFUSION, r"perf|perfusion|dsc|dce|asl|pcasl|pasl|r?cbf|r?cbv|mtt|ttp|tmax"),
    (Weighting.ANGIOGRAPHY, r"tof\w*|mra|angio\w*|venogra\w*|pca"),
    (Weighting.SUSCEPTIBILITY, r"swi|swan|t2star|t2 star|susc\w*|hemo|haemo|venobold"),
    (Weighting.T1, r"t1 ?flair"),
    (Weighting.FLAIR, r"flair|tirm dark fluid|dark fluid"),
    (Weighting.PROTON_DENSITY, r"pdw?|proton density"),
    (Weighting.T2, r"t2w?"),
    (Weighting.T1, r"t1w?|t1c|mprage|bravo|spgr"),
)


def read_acquisition(datasets: Sequence[Dataset]) -> AcquisitionFacts:
    """Return what the headers of one series say of how it was taken.

    Parameters
    ----------
    datasets
        Headers of all images of the series; of an enhanced object its only one.

    Raises
    ------
    ValueError
        Where there is no header.
    """
    if not datasets:
        raise ValueError("A series has at least one image.")
    reader = ValueReader(datasets[0])
    words = _words(reader)
    phase = next((phase for phase, pattern in _PHASES if _said(pattern, words)), None)
    agent = _agent(reader)
    modality = reader.text("Modality", limit=16)
    is_pet = modality == "PT"
    refusal = read_suv_factor(datasets) if is_pet else None
    return AcquisitionFacts(
        modality=modality,
        has_contrast=_has_contrast(agent, words, phase),
        contrast_agent=agent,
        phase=phase,
        kernel=_text(reader, "ConvolutionKernel"),
        slice_thickness_mm=_number(reader, "SliceThickness"),
        slice_distance_mm=_slice_distance(datasets),
        plane_normal=_normal(reader),
        field_strength_t=_number(reader, "MagneticFieldStrength"),
        weighting=_weighting(reader, words) if modality == "MR" else None,
        manufacturer=reader.text("Manufacturer"),
        model=reader.text("ManufacturerModelName"),
        tracer=_tracer(reader) if is_pet else "",
        uptake_min=_uptake_min(datasets) if is_pet else None,
        units=reader.text("Units", limit=16),
        suv_problem=refusal.explanation if isinstance(refusal, SuvRefusal) else "",
        body_region=_text(reader, "BodyPartExamined"),
        purpose=_purpose(reader, words),
    )


def _readers(reader: ValueReader, depth: int = _NESTED) -> Iterator[ValueReader]:
    """Yield the dataset, then the functional groups that all frames share, then those of the first frame."""
    yield reader
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in reader.items(keyword)[:1]:
            yield from _nested(reader.within(group), depth)


def _nested(reader: ValueReader, depth: int) -> Iterator[ValueReader]:
    yield reader
    if depth == 0:
        return
    for element in reader.dataset:
        if element.VR == "SQ" and element.value:
            yield from _nested(reader.within(element.value[0]), depth - 1)


def _text(reader: ValueReader, keyword: str) -> str:
    return next((text for each in _readers(reader) if (text := each.text(keyword))), "")


def _number(reader: ValueReader, *keywords: str) -> float | None:
    """Return the first number found under any of these keywords; plain and enhanced objects name some differently."""
    for each in _readers(reader):
        for keyword in keywords:
            number = each.number(keyword)
            if number is not None:
                return number
    return None


def _words(reader: ValueReader) -> str:
    said = " ".join(reader.text(keyword) for keyword in ("SeriesDescription", "ProtocolName", "SequenceName"))
    starred = re.sub(r"t2\s*\*", "t2star ", said.lower())
    return re.sub(r"[\s_\-/.,;()*]+", " ", starred).strip()


def _image_type(reader: ValueReader) -> frozenset[str]:
    """Return the values of ImageType and of the frames' own, upper case."""
    values = (each.text(keyword) for each in _readers(reader) for keyword in ("ImageType", "FrameType"))
    return frozenset(part.strip().upper() for value in values for part in value.split("\\"))


def _purpose(reader: ValueReader, words: str) -> Purpose | None:
    image_type = _image_type(reader)
    if "LOCALIZER" in image_type or _said(_LOCALIZER, words):
        return Purpose.LOCALIZER
    if image_type & {"SUB", "SUBTRACTION"} or _said(_SUBTRACTION, words):
        return Purpose.SUBTRACTION
    return Purpose.REFORMAT if image_type & _REFORMATS else None


def _said(pattern: str, words: str) -> bool:
    return re.search(rf"(?<![\w+])(?:{pattern})(?![\w+])", words) is not None


def _agent(reader: ValueReader) -> str:
    text = _text(reader, "ContrastBolusAgent")
    if text:
        return text
    coded = [reader.within(item) for item in reader.items("ContrastBolusAgentSequence")]
    return next((meaning for each in coded if (meaning := each.text("CodeMeaning"))), "")


def _has_contrast(agent: str, words: str, phase: ContrastPhase | None) -> bool | None:
    """Tell whether a contrast agent was given. A missing agent alone proves nothing: the header may be silent."""
    if agent:
        return agent.strip().upper() not in ("NONE", "NO", "NO CONTRAST", "N")
    if _said(_NOT_GIVEN, words):
        return False
    return True if phase is not None or _said(_GIVEN, words) else None


def _weighting(reader: ValueReader, words: str) -> Weighting | None:
    image_type = _image_type(reader)
    described = next((weighting for weighting, pattern in _DESCRIBED if _said(pattern, words)), None)
    if "ADC" in image_type or described is Weighting.ADC:
        return Weighting.ADC
    if (_number(reader, "DiffusionBValue") or 0.0) > 0.0 or "DIFFUSION" in image_type:
        return Weighting.DIFFUSION
    if described in _TOLD_BY_WORDS:
        return described
    by_times = _weighting_by_times(
        _number(reader, "EchoTime", "EffectiveEchoTime"),
        _number(reader, "RepetitionTime"),
        _number(reader, "InversionTime", "InversionTimes"),
        is_gradient_echo="GR" in _text(reader, "ScanningSequence"),
    )
    return by_times or described


def _weighting_by_times(
    echo_ms: float | None, repetition_ms: float | None, inversion_ms: float | None, *, is_gradient_echo: bool
) -> Weighting | None:
    if not echo_ms or not repetition_ms:
        return None
    if echo_ms >= LONG_ECHO_MS and repetition_ms >= LONG_REPETITION_MS:
        return Weighting.FLAIR if (inversion_ms or 0.0) >= FLUID_INVERSION_MS else Weighting.T2
    if is_gradient_echo:
        return Weighting.T1 if echo_ms <= SHORT_GRADIENT_ECHO_MS else Weighting.SUSCEPTIBILITY
    return Weighting.T1 if echo_ms <= SHORT_ECHO_MS and repetition_ms <= SHORT_REPETITION_MS else None


def _normal(reader: ValueReader) -> Vector | None:
    for each in _readers(reader):
        found = each.vector("ImageOrientationPatient", 6)
        if found is None:
            continue
        normal = np.cross(found[:3], found[3:])
        length = float(np.linalg.norm(normal))
        if length > 0.5:
            x, y, z = (float(value) for value in normal / length)
            return (x, y, z)
    return None


def _slice_distance(datasets: Sequence[Dataset]) -> float | None:
    """Return the median distance between neighbouring slices along their normal."""
    normal = _normal(ValueReader(datasets[0]))
    positions = [place for dataset in datasets for place in _positions(ValueReader(dataset))]
    if normal is None or len(positions) < 2:
        return None
    along = np.sort(np.asarray(positions) @ np.asarray(normal))
    steps = np.diff(along)
    steps = steps[steps > 1e-3]
    return round(float(np.median(steps)), 4) if len(steps) else None


def _positions(reader: ValueReader) -> Iterator[tuple[float, ...]]:
    plain = reader.vector("ImagePositionPatient", 3)
    if plain is not None:
        yield plain
    for frame in reader.items("PerFrameFunctionalGroupsSequence"):
        for plane in reader.within(frame).items("PlanePositionSequence"):
            place = reader.within(plane).vector("ImagePositionPatient", 3)
            if place is not None:
                yield place


def _tracer(reader: ValueReader) -> str:
    """Return the radiopharmaceutical; its nuclide alone may be any of many tracers and is none."""
    for item in reader.items("RadiopharmaceuticalInformationSequence"):
        isotope = reader.within(item)
        coded = [isotope.within(code).text("CodeMeaning") for code in isotope.items("RadiopharmaceuticalCodeSequence")]
        return isotope.text("Radiopharmaceutical") or next(filter(None, coded), "")
    return ""


def _uptake_min(datasets: Sequence[Dataset]) -> float | None:
    readers = [ValueReader(dataset) for dataset in datasets]
    scan = read_scan_time(readers)
    isotope = next(iter(readers[0].items("RadiopharmaceuticalInformationSequence")), None)
    if isotope is None or isinstance(scan, ScanTime):
        return None
    given = read_injection_time(readers[0], readers[0].within(isotope))
    minutes = None if given is None else (scan - given).total_seconds() / 60.0
    return minutes if minutes is not None and minutes >= 0.0 else None
