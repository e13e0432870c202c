"""The images of a network that reads several: found in the study, brought onto one grid, held against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

import numpy as np
import numpy.typing as npt

from inference.input_images import Candidate, ChosenImage, FoundImages, JobInput, find_images
from inference.model_spec import ModelSpec
from inference.models import SegmentationJob
from studies.dicom.suv import SuvRefusal
from studies.errors import ConflictError, InvalidInputError
from studies.imaging.registration import check_frame, register
from studies.imaging.resampling import resample_onto
from studies.imaging.volume import Volume
from studies.models import GeometryVerdict, Series
from studies.services.comparability import read_kind
from studies.services.lesion_uptake import read_scales
from studies.services.volumes import describe_grid, load_volume

Image = npt.NDArray[np.generic]
_PET = "PT"


class InputsChangedError(ConflictError):
    """A series is not what it was when the job was asked for."""

    code: ClassVar[str] = "job.inputs_changed"


class InputsNotAlignedError(InvalidInputError):
    """Two images of different frames of reference could not be laid over each other."""

    code: ClassVar[str] = "job.inputs_not_aligned"


class UptakeUnknownError(InvalidInputError):
    """A PET image that has no SUV cannot be read by a network that was trained on SUV."""

    code: ClassVar[str] = "job.inputs_without_suv"


def list_candidates(series: Series) -> list[Candidate]:
    """Return all series of a study that hold images, with what their headers say."""
    siblings = Series.objects.filter(study=series.study_id).exclude(geometry_verdict=GeometryVerdict.NOT_IMAGES)
    return [_describe(each) for each in siblings]


def _describe(series: Series) -> Candidate:
    is_volume = series.geometry_verdict == GeometryVerdict.REGULAR
    number = "series" if series.series_number is None else f"series {series.series_number}"
    return Candidate(
        key=str(series.pk),
        words=f"{number} ({series.series_description or series.modality})",
        facts=read_kind(series),
        geometry=describe_grid(series) if is_volume else None,
        frame_of_reference=series.frame_of_reference_uid,
    )


def find_inputs(spec: ModelSpec, series: Series, named: Mapping[str, str] | None = None) -> FoundImages | None:
    """Return the series that a model reads when it is run on this one, and what is missing; None for one image alone.

    Parameters
    ----------
    named
        Channel to series id, where a person chose.

    Raises
    ------
    inference.input_images.NoSuchChannelError
        Where a person named what is not there.
    """
    if spec.network is None or len(spec.network.channels) < 2 or spec.network.reads_colours:
        return None
    return find_images(
        spec.title,
        [channel.name for channel in spec.network.channels],
        spec.modalities,
        opened=str(series.pk),
        candidates=list_candidates(series),
        named=named,
    )


def choose_inputs(spec: ModelSpec, series: Series, named: Mapping[str, str] | None = None) -> tuple[ChosenImage, ...]:
    """Return `find_inputs` where nothing is missing; nothing for a model that reads the series alone.

    Raises
    ------
    inference.input_images.ChannelsMissingError, inference.input_images.NoSuchChannelError
        Where the study does not hold them, in words.
    """
    found = find_inputs(spec, series, named)
    return () if found is None else found.require()


def record_inputs(chosen: Sequence[ChosenImage]) -> list[dict[str, Any]]:
    """Return the choice as a job's row keeps it, with the state of each series."""
    digests = {str(s.pk): s.contents_digest for s in Series.objects.filter(pk__in=[image.key for image in chosen])}
    return [
        JobInput(
            image.channel, UUID(image.key), image.words, digests[image.key], image.is_by_person, image.note
        ).to_json()
        for image in chosen
    ]


def load_inputs(job: SegmentationJob, volume: Volume) -> tuple[tuple[Image, ...], list[dict[str, Any]]]:
    """Return a job's images on the grid of its volume, in the order of the channels, and how each came there.

    PET is given in SUVbw. Images of one frame of reference are taken as they lie, unless they themselves say that the
    patient moved and agree on how; others are registered, and refused where that cannot be trusted.

    Raises
    ------
    InputsChangedError, InputsNotAlignedError, UptakeUnknownError
        Each says which series and what to do.
    """
    inputs = [JobInput.from_json(each) for each in job.inputs]
    found = {s.pk: s for s in Series.objects.filter(pk__in=[each.series_id for each in inputs])}
    images: list[Image] = []
    recorded = []
    for each in inputs:
        series = found.get(each.series_id)
        if series is None or series.contents_digest != each.contents_digest:
            raise InputsChangedError(f"{each.words} has changed since this job was asked for. Start a new job.")
        is_own = series.pk == job.series_id
        image, alignment = (volume.voxels, "") if is_own else _lay_over(series, job.series, volume, each.words)
        images.append(_scale(series, image, each.words))
        recorded.append(replace(each, alignment=alignment).to_json())
    return tuple(images), recorded


def _lay_over(series: Series, opened: Series, volume: Volume, words: str) -> tuple[Image, str]:
    other = load_volume(series)
    frame = series.frame_of_reference_uid
    is_shared = bool(frame) and frame == opened.frame_of_reference_uid
    if is_shared and check_frame(volume, other).is_confirmed:
        return resample_onto(
            other, volume.geometry
        ), "As it lies: the frame of reference is shared and the images agree."
    way = register(volume, other)
    if way.is_trusted:
        corners = np.asarray([[x, y, z] for x in (-50.0, 50.0) for y in (-50.0, 50.0) for z in (-50.0, 50.0)])
        moved = corners @ way.rigid_mm[:3, :3].T + way.rigid_mm[:3, 3] - corners
        distance_mm = float(np.sqrt((moved**2).sum(axis=1).mean()))
        image = resample_onto(other, volume.geometry, way.rigid_mm)
        return image, f"Registered by its images, rigidly: {distance_mm:.1f} mm from where its coordinates put it."
    if is_shared:
        return resample_onto(other, volume.geometry), (
            "As it lies: the frame of reference is shared; the images themselves neither confirm nor contradict it."
        )
    raise InputsNotAlignedError(
        f"{words} has another frame of reference than the open series, and laying one over the other by their images "
        "could not be trusted. Choose a series of the same examination, or have them registered first."
    )


def scale_uptake(series: Series, volume: Volume) -> Volume:
    """Return a PET volume in SUVbw.

    Raises
    ------
    UptakeUnknownError
        Where the header lacks what that takes.
    """
    return replace(volume, voxels=_scale(series, volume.voxels, "This series"))


def _scale(series: Series, image: Image, words: str) -> Image:
    if series.modality != _PET:
        return image
    factor = read_scales(series)[0].factor
    if isinstance(factor, SuvRefusal):
        raise UptakeUnknownError(
            f"{words} has no SUV: {factor.explanation} Choose a PET series whose header says what is needed."
        )
    return np.asarray(image, np.float32) * np.float32(factor.factor)
