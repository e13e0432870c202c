"""When within the heartbeat, or in which turn, each image of a series was taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pydicom.dataset import Dataset

from studies.dicom.values import ValueReader

_NESTED = {
    "CardiacSynchronizationSequence": ("NominalCardiacTriggerDelayTime",),
    "FrameContentSequence": ("TemporalPositionIndex", "TemporalPositionTimeOffset"),
    "TemporalPositionSequence": ("TemporalPositionTimeOffset",),
}

_PREFERRED = (
    "TriggerTime",
    "NominalCardiacTriggerDelayTime",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "TemporalPositionTimeOffset",
)


def read_phase_times(sources: Sequence[tuple[Dataset, int]]) -> list[float | None]:
    """Return what orders images of one place in time: of the attributes below the first that every image has.

    Trigger time, or the nominal delay after the trigger, in ms; else the temporal position. None for all images where
    none has been written throughout: another attribute for each image would be no order.

    Parameters
    ----------
    sources
        For each image its object's attributes and which of its frames it is, from 1.

    References
    ----------
    DICOM PS3.3 C.7.6.18.1 (Cardiac Synchronization), C.7.6.16.2.2 (Frame Content), C.8.3.1 (MR Image).
    """
    found = [dict(_read(dataset, frame_number)) for dataset, frame_number in sources]
    for keyword in _PREFERRED:
        if found and all(keyword in each for each in found):
            return [each[keyword] for each in found]
    return [None] * len(found)


def _read(dataset: Dataset, frame_number: int) -> Iterator[tuple[str, float]]:
    reader = ValueReader(dataset)
    yield from _numbers(reader.number, ("TriggerTime", "TemporalPositionIdentifier"))
    frames = reader.items("PerFrameFunctionalGroupsSequence")
    if not 1 <= frame_number <= len(frames):
        return
    group = reader.within(frames[frame_number - 1])
    for sequence, keywords in _NESTED.items():
        for item in group.items(sequence)[:1]:
            yield from _numbers(group.within(item).number, keywords)


def _numbers(read: Callable[[str], float | None], keywords: Sequence[str]) -> Iterator[tuple[str, float]]:
    for keyword in keywords:
        value = read(keyword)
        if value is not None:
            yield keyword, value
