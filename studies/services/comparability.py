"""Whether two dates were imaged alike, read from the headers of the series that are followed."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from studies.dicom.acquisition import read_acquisition
from studies.models import Series
from studies.services.exports import read_sources
from studies.tracking.acquisition_facts import AcquisitionFacts
from studies.tracking.comparability import Comparability, compare_acquisitions

_SERIES_KEPT = 128


def compare_series(baseline: Series, current: Series) -> Comparability:
    """Return what differs between how two series were acquired."""
    return compare_acquisitions(read_facts(baseline), read_facts(current))


def read_facts(series: Series) -> AcquisitionFacts:
    """Return how a series was acquired, from its image objects' headers."""
    return _read(series.pk, series.contents_digest)


@lru_cache(maxsize=_SERIES_KEPT)
def _read(series_id: UUID, contents_digest: str) -> AcquisitionFacts:
    del contents_digest
    sources = read_sources(Series.objects.get(pk=series_id))
    return read_acquisition([dataset for dataset, _frame in sources])
