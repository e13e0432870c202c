"""Files put into the archive without an upload: what ingest records, for tests that are about something else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from studies.dicom.header import read_header
from studies.dicom.series import SeriesImage, judge_series
from studies.models import Blob, Series
from studies.storage import blob_store
from tests.factories import InstanceFactory, SeriesFactory


def archive_series(paths: Sequence[Path], **values: object) -> Series:
    """Store the files of one series, record it with its verdict, and return it; `values` go to the series' record."""
    headers = [read_header(path) for path in paths]
    judged = judge_series([SeriesImage(h.instance_number, h.sop_instance_uid, h.image) for h in headers])
    blobs = [blob_store().put(path.read_bytes()) for path in paths]
    series: Series = SeriesFactory(
        modality=headers[0].series.modality,
        series_instance_uid=headers[0].series.series_instance_uid,
        frame_of_reference_uid=headers[0].series.frame_of_reference_uid,
        geometry_verdict=judged.verdict.value,
        geometry_explanation=judged.explanation,
        spacing_mm=judged.spacing_mm,
        instance_count=len(paths),
        frame_count=len(judged.order),
        contents_digest=hashlib.sha256("".join(blob.digest for blob in blobs).encode()).hexdigest(),
        **values,
    )
    for header, stored in zip(headers, blobs, strict=True):
        blob, _ = Blob.objects.get_or_create(digest=stored.digest, defaults={"size_bytes": stored.size_bytes})
        InstanceFactory(
            series=series,
            sop_instance_uid=header.sop_instance_uid,
            sop_class_uid=header.sop_class_uid,
            transfer_syntax_uid=header.transfer_syntax_uid,
            instance_number=header.instance_number,
            number_of_frames=header.image.number_of_frames if header.image else 0,
            rows=header.image.rows if header.image else 0,
            columns=header.image.columns if header.image else 0,
            image_header=header.image.to_json() if header.image else {},
            pixel_digest=header.pixel_digest,
            blob=blob,
        )
    return series
