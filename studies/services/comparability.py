"""Whether two dates were imaged alike, read from the headers of the series that are followed."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from pydicom import dcmread

from studies.dicom.acquisition import read_acquisition
from studies.models import Instance, Series
from studies.services.exports import read_sources
from studies.storage import blob_store
from studies.tracking.acquisition_facts import AcquisitionFacts
from studies.tracking.comparability import Comparability, compare_acquisitions

_SERIES_KEPT = 128


def compare_series(baseline: Series, current: Series) -> Comparability:
    """Return what differs between how two series were acquired."""
    return compare_acquisitions(read_facts(baseline), read_facts(current))


def read_facts(series: Series) -> AcquisitionFacts:
    """Return how a series was acquired, from its image objects' headers."""
    return _read(series.pk, series.contents_digest)


def read_kind(series: Series) -> AcquisitionFacts:
    """Return what the image object in the middle of a series says: enough to tell what kind of images they are.

    What takes all of them (the distance of slices, PET's units) may be missing; `read_facts` reads those.
    """
    return _read_middle(series.pk, series.contents_digest)


@lru_cache(maxsize=8 * _SERIES_KEPT)
def _read_middle(series_id: UUID, contents_digest: str) -> AcquisitionFacts:
    del contents_digest
    images = Instance.objects.filter(series=series_id, rows__gt=0)
    middle = images[images.count() // 2]  # by its number: no layout, which reads every record
    return read_acquisition([dcmread(blob_store().path(middle.blob_id), stop_before_pixels=True)])


@lru_cache(maxsize=_SERIES_KEPT)
def _read(series_id: UUID, contents_digest: str) -> AcquisitionFacts:
    del contents_digest
    sources = read_sources(Series.objects.get(pk=series_id))
    return read_acquisition([dataset for dataset, _frame in sources])
