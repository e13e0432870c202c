"""Which series of a study are the images a network asks for: found by what headers say; what is missing is said.

Nothing is guessed: a series whose header leaves open what was asked for is not taken, except where only one reading is
left (a T1 of unknown contrast beside one with contrast), and then the choice says so. A person may name series; then
what contradicts the header is noted, not refused. Knows neither torch nor Django.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self
from uuid import UUID

import numpy as np

from inference.image_kinds import ImageKind, read_kinds
from studies.errors import DomainError
from studies.imaging.geometry import VolumeGeometry
from studies.tracking.acquisition_facts import AcquisitionFacts, Weighting

LEAST_OVERLAP = 0.5
"""Share of the opened series' field of view that another one must cover to be read together with it."""
_SAMPLES = 9


class ChannelsMissingError(DomainError):
    """The study does not hold every image that the network asks for."""

    code: ClassVar[str] = "model.channels_missing"
    status: ClassVar[int] = 422


class NoSuchChannelError(DomainError):
    """A person named a channel or a series that is not there."""

    code: ClassVar[str] = "model.channel_unknown"
    status: ClassVar[int] = 422


@dataclass(frozen=True, slots=True)
class Candidate:
    """A series of the study.

    Attributes
    ----------
    key
        Names it: its id, or its UID.
    words
        As a person knows it, for example "series 4 (t1_mpr_ce)".
    facts
        What its header says.
    geometry
        None where it is no regular volume.
    frame_of_reference
        UID, or empty.
    """

    key: str
    words: str
    facts: AcquisitionFacts
    geometry: VolumeGeometry | None
    frame_of_reference: str = ""


@dataclass(frozen=True, slots=True)
class ChosenImage:
    """The series that a channel is read from.

    Attributes
    ----------
    is_by_person
        Whether a person named it.
    note
        What a reader should know of the choice; empty where nothing is doubtful.
    """

    channel: str
    key: str
    words: str
    is_by_person: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class JobInput:
    """One image of a job.

    Attributes
    ----------
    contents_digest
        State of the series when the job was asked for.
    note
        What is doubtful about the choice; empty where nothing is.
    alignment
        How it came onto the grid of the job's series, in words; written by the worker.
    """

    channel: str
    series_id: UUID
    words: str
    contents_digest: str
    is_by_person: bool = False
    note: str = ""
    alignment: str = ""

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return what `to_json` wrote."""
        return cls(**content | {"series_id": UUID(content["series_id"])})

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self) | {"series_id": str(self.series_id)}


@dataclass(frozen=True, slots=True)
class FoundImages:
    """What a study holds of what a model reads: for each channel a series, or why there is none."""

    title: str
    channels: tuple[str, ...]
    chosen: Mapping[str, ChosenImage]
    missing: Mapping[str, str]
    opened: Candidate

    @property
    def problem(self) -> ChannelsMissingError | None:
        """Why the model cannot be run on the opened series, in words; None where it can."""
        if self.missing:
            reasons = " ".join(f"{channel}: {reason}" for channel, reason in self.missing.items())
            return ChannelsMissingError(
                f"{self.title} reads {len(self.channels)} images of one examination ({', '.join(self.channels)}). "
                f"Missing here: {reasons} Add the series, or choose by hand which one it is.",
                missing=list(self.missing),
            )
        if self.opened.key not in {image.key for image in self.chosen.values()}:
            return ChannelsMissingError(
                f"The open series, {self.opened.words}, is none of the images that {self.title} reads "
                f"({', '.join(self.channels)}). Open one of them, or name it as one.",
                missing=[],
            )
        return None

    def require(self) -> tuple[ChosenImage, ...]:
        """Return the series of all channels, in order.

        Raises
        ------
        ChannelsMissingError
            `problem`; its `details["missing"]` holds the channels without a series.
        """
        if self.problem is not None:
            raise self.problem
        return tuple(self.chosen[name] for name in self.channels)


def find_images(
    title: str,
    channels: Sequence[str],
    modalities: frozenset[str],
    *,
    opened: str,
    candidates: Sequence[Candidate],
    named: Mapping[str, str] | None = None,
) -> FoundImages:
    """Return the series for each channel as far as the study holds them.

    Parameters
    ----------
    title
        Of the model, for the sentences.
    opened
        Key of the series that was opened, on whose grid the label map will lie: it must be one of the images.
    candidates
        All series of the study.
    named
        Channel to key, where a person chose.

    Raises
    ------
    NoSuchChannelError
        Where a person named what is not there, or no regular volume.
    """
    by_key = {candidate.key: candidate for candidate in candidates}
    chosen = _take_named(channels, by_key, named or {})
    choice = _Choice(by_key[opened], candidates, chosen)
    kinds = read_kinds(channels, modalities)
    choice.place_opened(channels, kinds)
    missing: dict[str, str] = {}
    order = sorted(range(len(channels)), key=lambda number: not (kinds[number] or ImageKind("")).has_contrast)
    for number in order:  # T1 with contrast before T1 without: what it leaves decides
        name = channels[number]
        reason = "" if name in chosen else choice.fill(name, kinds[number])
        if reason:
            missing[name] = reason
    return FoundImages(title, tuple(channels), chosen, missing, by_key[opened])


def _take_named(
    channels: Sequence[str], by_key: Mapping[str, Candidate], named: Mapping[str, str]
) -> dict[str, ChosenImage]:
    chosen: dict[str, ChosenImage] = {}
    for channel, key in named.items():
        if channel not in channels:
            raise NoSuchChannelError(f"The model has no image {channel[:64]!r}; it has {', '.join(channels)}.")
        candidate = by_key.get(key)
        if candidate is None or candidate.geometry is None:
            raise NoSuchChannelError(
                f"The series named for {channel} is not in this study, or is not one regular volume. Choose another."
            )
        if key in {image.key for image in chosen.values()}:
            raise NoSuchChannelError(f"{candidate.words} was named for two images. Name each series once.")
        chosen[channel] = ChosenImage(channel, key, candidate.words, is_by_person=True)
    return chosen


class _Choice:
    """Fills channels one after the other from what is left."""

    def __init__(self, reference: Candidate, candidates: Sequence[Candidate], chosen: dict[str, ChosenImage]) -> None:
        self._reference, self._candidates, self._chosen = reference, candidates, chosen

    def place_opened(self, channels: Sequence[str], kinds: Sequence[ImageKind | None]) -> None:
        """Give the opened series to the channel that it is, before anything else may take that place."""
        if self._reference.key in self._taken:
            return
        for strictly in (True, False):
            for name, kind in zip(channels, kinds, strict=True):
                if name not in self._chosen and kind is not None and _fits(self._reference, kind, strictly=strictly):
                    self._chosen[name] = self._describe(name, self._reference, kind, others=0)
                    return

    def fill(self, name: str, kind: ImageKind | None) -> str:
        """Choose the best series for a channel; return why there is none."""
        if kind is None:
            return "its name does not say what it is, so it must be chosen by hand."
        left = [c for c in self._candidates if c.key not in self._taken]
        fitting = [c for c in left if _fits(c, kind, strictly=True)] or [
            c for c in left if self._has_contrast_partner(kind) and _fits(c, kind, strictly=False)
        ]
        usable = [c for c in fitting if c.geometry is not None]
        covering = [c for c in usable if self._covers(c)]
        if not covering:
            return self._explain(kind, fitting, usable)
        best = min(covering, key=self._rank)
        self._chosen[name] = self._describe(name, best, kind, others=len(covering) - 1)
        return ""

    @property
    def _taken(self) -> set[str]:
        return {image.key for image in self._chosen.values()}

    def _has_contrast_partner(self, kind: ImageKind) -> bool:
        """Tell whether a T1 of unknown contrast can only be the one without: the one with is there and says so."""
        if kind.has_contrast is not False:
            return False
        taken = self._taken
        return any(
            c.key in taken and c.facts.weighting is Weighting.T1 and c.facts.has_contrast for c in self._candidates
        )

    def _covers(self, candidate: Candidate) -> bool:
        if self._reference.geometry is None or candidate.geometry is None:
            return False
        if not self._shares_frame(candidate):
            return True  # their coordinates say nothing of each other: the alignment will tell
        return measure_overlap(self._reference.geometry, candidate.geometry) >= LEAST_OVERLAP

    def _shares_frame(self, candidate: Candidate) -> bool:
        frame = self._reference.frame_of_reference
        return bool(frame) and frame == candidate.frame_of_reference

    def _rank(self, candidate: Candidate) -> tuple[bool, float, float, str]:
        geometry = candidate.geometry
        if geometry is None:
            raise ValueError("Only volumes are ranked.")
        return (
            not self._shares_frame(candidate),
            max(geometry.spacing_mm),
            geometry.voxel_volume_ml,
            candidate.words,
        )

    def _describe(self, name: str, candidate: Candidate, kind: ImageKind, *, others: int) -> ChosenImage:
        notes = []
        if kind.has_contrast is False and candidate.facts.has_contrast is None:
            notes.append("Its header does not say whether a contrast agent was given; taken as without.")
        if others:
            fitting = "1 other series fits" if others == 1 else f"{others} other series fit"
            notes.append(f"{fitting}; this one has the thinnest slices.")
        return ChosenImage(name, candidate.key, candidate.words, note=" ".join(notes))

    def _explain(self, kind: ImageKind, fitting: Sequence[Candidate], usable: Sequence[Candidate]) -> str:
        if usable:
            return f"{usable[0].words} is {kind} but covers less than half of the open series."
        if fitting:
            return f"{fitting[0].words} is {kind} but not one regular volume."
        return f"no series of this study says that it is {kind}."


def _fits(candidate: Candidate, kind: ImageKind, *, strictly: bool) -> bool:
    facts = candidate.facts
    if facts.purpose is not None or facts.modality != kind.modality:
        return False
    if kind.weighting is not None and facts.weighting is not kind.weighting:
        return False
    if kind.has_contrast is None or facts.has_contrast is kind.has_contrast:
        return True
    return not strictly and kind.has_contrast is False and facts.has_contrast is None


def measure_overlap(reference: VolumeGeometry, other: VolumeGeometry) -> float:
    """Return the share of the reference's field of view that lies within another grid, 0 to 1, on 9 points an axis."""
    axes = [np.linspace(-0.5, n - 0.5, 2 * _SAMPLES + 1)[1::2] for n in reference.shape]
    points = np.stack([*np.meshgrid(*axes, indexing="ij"), np.ones((_SAMPLES,) * 3)]).reshape(4, -1)
    index = np.linalg.solve(other.index_to_patient_mm, reference.index_to_patient_mm @ points)[:3]
    size = np.asarray(other.shape)[:, None]
    return float(((index >= -0.5) & (index <= size - 0.5)).all(axis=0).mean())
