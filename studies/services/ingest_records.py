"""Arrivals made into records: patient, study, series, instance, each found or made within the team's own archive.

A team's arrivals are recorded one batch at a time (its row is locked), so two tasks that read files of the same study
cannot make it twice, and the decision "already here" is taken on what is really there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from studies.dicom.header import InstanceHeader, PatientHeader, StudyHeader
from studies.models import Blob, Instance, Patient, Reception, ReceptionOutcome, Series, Study, Team, Upload
from studies.services.arrivals import Arrival

PatientKey = tuple[str, str]
SeriesKey = tuple[UUID, str]

PATIENT_DIFFERS = "study.patient_differs"
BIRTH_DATE_DIFFERS = "patient.birth_date_differs"
PIXELS_DIFFER = "instance.pixels_differ"
HEADER_DIFFERS = "instance.header_differs"


@dataclass(slots=True)
class Batch:
    """Arrivals of one or several uploads of a team while they are being recorded.

    Attributes
    ----------
    receptions
        What became of each arrival, in order; saved by `record_batch`.
    touched_series, touched_studies
        Whose contents differ afterwards.
    """

    team: Team
    receptions: list[Reception] = field(default_factory=list)
    touched_series: set[UUID] = field(default_factory=set)
    touched_studies: set[UUID] = field(default_factory=set)


def record_batch(team: Team, arrivals: Sequence[tuple[Upload, Arrival]]) -> Batch:
    """Record arrivals in bulk. Inside the caller's transaction, which holds the team's lock."""
    batch = Batch(team)
    arrivals = _not_yet_recorded(arrivals)
    _record_blobs(arrivals)
    placed = _Places(batch, [arrival.header for _, arrival in arrivals if arrival.header is not None])
    known = _known_instances(team, arrivals)
    fresh: list[Instance] = []
    for upload, arrival in arrivals:
        if arrival.source is not None and arrival.path == upload.file_name:
            upload.blob_id = arrival.source.digest
        if arrival.header is None:
            batch.receptions.append(_reception(upload, arrival, arrival.outcome or ReceptionOutcome.REFUSED))
        else:
            batch.receptions.append(_decide(upload, arrival, arrival.header, placed, known, fresh))
    Instance.objects.bulk_create(fresh, batch_size=500)
    Reception.objects.bulk_create(batch.receptions, batch_size=500)
    return batch


def _decide(
    upload: Upload,
    arrival: Arrival,
    header: InstanceHeader,
    placed: _Places,
    known: dict[str, Instance],
    fresh: list[Instance],
) -> Reception:
    """Tell what becomes of one object, and add it to ``fresh`` when it is new."""
    if (there := known.get(header.sop_instance_uid)) is not None:
        return _compare(upload, arrival, header, there)
    refusal = placed.refusal_of(header)
    if refusal is not None:
        return _reception(upload, arrival, ReceptionOutcome.REFUSED, *refusal)
    instance = _new_instance(placed.batch.team, placed.series_of(header), header, arrival)
    fresh.append(instance)
    known[header.sop_instance_uid] = instance
    return _reception(upload, arrival, ReceptionOutcome.STORED, instance=instance)


def _compare(upload: Upload, arrival: Arrival, header: InstanceHeader, there: Instance) -> Reception:
    """Tell an object sent again from another object under the same UID."""
    if there.blob_id == _digest(arrival):
        return _reception(upload, arrival, ReceptionOutcome.DUPLICATE, instance=there)
    if there.pixel_digest == header.pixel_digest:
        reason = "The same image is here already; only its header differs. The first one was kept."
        return _reception(upload, arrival, ReceptionOutcome.DUPLICATE, HEADER_DIFFERS, reason, instance=there)
    reason = (
        "Another image is already stored under this SOP Instance UID; this one was kept aside, not shown. "
        "Find out at the source which of the two is right."
    )
    return _reception(upload, arrival, ReceptionOutcome.REFUSED, PIXELS_DIFFER, reason)


class _Places:
    """Patients, studies and series of a batch, found or made in a handful of queries."""

    def __init__(self, batch: Batch, headers: Sequence[InstanceHeader]) -> None:
        self.batch = batch
        self._studies = self._find_studies(headers)
        self._patients = self._find_patients(headers)
        self._series = self._find_series(headers)

    def refusal_of(self, header: InstanceHeader) -> tuple[str, str] | None:
        """Return code and reason when the object names another patient than its study has."""
        patient, study = header.patient, self._studies.get(header.study.study_instance_uid)
        owner = study.patient if study is not None else self._patients.get(_patient_key(header))
        if owner is None:
            return None
        if study is not None and not _is_same_patient(owner, header):
            return (
                PATIENT_DIFFERS,
                "The study of this image belongs to another patient here; the image was kept aside. "
                "Find out at the source whose it is.",
            )
        dates = (owner.patient_birth_date, patient.patient_birth_date)
        if patient.patient_id and None not in dates and dates[0] != dates[1]:
            return (
                BIRTH_DATE_DIFFERS,
                "A patient with this ID and another date of birth is here already; the image was kept aside. "
                "Find out at the source whose it is.",
            )
        return None

    def series_of(self, header: InstanceHeader) -> Series:
        """Return the object's series, made with its study and patient when they are new."""
        study = self._study_of(header)
        key = (study.pk, header.series.series_instance_uid)
        series = self._series.get(key)
        if series is None:
            part = header.series
            series = Series.objects.create(
                study=study,
                series_instance_uid=part.series_instance_uid,
                series_number=part.series_number,
                series_description=part.series_description,
                modality=part.modality,
                body_part_examined=part.body_part_examined,
                frame_of_reference_uid=part.frame_of_reference_uid,
            )
            self._series[key] = series
        self.batch.touched_series.add(series.pk)
        self.batch.touched_studies.add(study.pk)
        return series

    def _study_of(self, header: InstanceHeader) -> Study:
        part = header.study
        study = self._studies.get(part.study_instance_uid)
        if study is None:
            patient = self._patient_of(header)
            study = Study.objects.create(patient=patient, home_team=self.batch.team, **_study_values(part))
            self._studies[part.study_instance_uid] = study
        return study

    def _patient_of(self, header: InstanceHeader) -> Patient:
        key = _patient_key(header)
        patient = self._patients.get(key)
        if patient is None:
            patient = Patient.objects.create(
                home_team=self.batch.team,
                issuer_of_patient_id=key[0],
                patient_id=key[1],
                **_patient_values(header.patient),
            )
            self._patients[key] = patient
        return patient

    def _find_patients(self, headers: Iterable[InstanceHeader]) -> dict[PatientKey, Patient]:
        ids = {header.patient.patient_id for header in headers}
        found = Patient.objects.filter(home_team=self.batch.team, patient_id__in=ids)
        return {_owner_key(patient): patient for patient in found}

    def _find_studies(self, headers: Iterable[InstanceHeader]) -> dict[str, Study]:
        uids = {header.study.study_instance_uid for header in headers}
        found = Study.objects.filter(home_team=self.batch.team, study_instance_uid__in=uids).select_related("patient")
        return {study.study_instance_uid: study for study in found}

    def _find_series(self, headers: Iterable[InstanceHeader]) -> dict[SeriesKey, Series]:
        studies = [study.pk for study in self._studies.values()]
        uids = {header.series.series_instance_uid for header in headers}
        found = Series.objects.filter(study__in=studies, series_instance_uid__in=uids)
        return {(series.study_id, series.series_instance_uid): series for series in found}


def _patient_key(header: InstanceHeader) -> PatientKey:
    """Return issuer and ID. Without an ID nobody can tell whose images these are: each study is a patient apart."""
    if header.patient.patient_id:
        return header.patient.issuer_of_patient_id, header.patient.patient_id
    return header.study.study_instance_uid, ""


def _is_same_patient(owner: Patient, header: InstanceHeader) -> bool:
    """Compare IDs; some devices leave the issuer out of some objects of a study, which is no contradiction."""
    issuers = {owner.issuer_of_patient_id, header.patient.issuer_of_patient_id} - {""}
    if not owner.patient_id:
        return not header.patient.patient_id
    return owner.patient_id == header.patient.patient_id and len(issuers) <= 1


def _owner_key(patient: Patient) -> PatientKey:
    return patient.issuer_of_patient_id, patient.patient_id


def _patient_values(part: PatientHeader) -> dict[str, object]:
    return {
        "patient_name": part.patient_name,
        "patient_birth_date": part.patient_birth_date,
        "patient_sex": part.patient_sex,
        "is_synthetic": part.is_synthetic,
    }


def _study_values(part: StudyHeader) -> dict[str, object]:
    return {
        "study_instance_uid": part.study_instance_uid,
        "study_date": part.study_date,
        "study_time": part.study_time,
        "study_description": part.study_description,
        "study_id": part.study_id,
        "accession_number": part.accession_number,
        "referring_physician_name": part.referring_physician_name,
    }


def _new_instance(team: Team, series: Series, header: InstanceHeader, arrival: Arrival) -> Instance:
    image = header.image
    return Instance(
        series=series,
        home_team=team,
        sop_instance_uid=header.sop_instance_uid,
        sop_class_uid=header.sop_class_uid,
        transfer_syntax_uid=header.transfer_syntax_uid,
        instance_number=header.instance_number,
        number_of_frames=image.number_of_frames if image else 0,
        rows=image.rows if image else 0,
        columns=image.columns if image else 0,
        image_header=image.to_json() if image else {},
        pixel_digest=header.pixel_digest,
        blob_id=_digest(arrival) or "",
    )


def _known_instances(team: Team, arrivals: Iterable[tuple[Upload, Arrival]]) -> dict[str, Instance]:
    uids = {arrival.header.sop_instance_uid for _, arrival in arrivals if arrival.header is not None}
    found = Instance.objects.filter(home_team=team, sop_instance_uid__in=uids).defer("image_header")
    return {instance.sop_instance_uid: instance for instance in found}


def _not_yet_recorded(arrivals: Sequence[tuple[Upload, Arrival]]) -> list[tuple[Upload, Arrival]]:
    """Leave out what another worker, which took this one for dead, has recorded meanwhile."""
    uploads, paths = {upload.pk for upload, _ in arrivals}, {arrival.path for _, arrival in arrivals}
    rows = Reception.objects.filter(upload__in=uploads, path__in=paths)
    recorded = set(rows.values_list("upload_id", "path"))
    return [(upload, arrival) for upload, arrival in arrivals if (upload.pk, arrival.path) not in recorded]


def _record_blobs(arrivals: Iterable[tuple[Upload, Arrival]]) -> None:
    both = (blob for _, arrival in arrivals for blob in (arrival.blob, arrival.source) if blob is not None)
    blobs = {blob.digest: blob.size_bytes for blob in both}
    rows = [Blob(digest=digest, size_bytes=size) for digest, size in blobs.items()]
    Blob.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def _digest(arrival: Arrival) -> str | None:
    return arrival.blob.digest if arrival.blob is not None else None


def _reception(
    upload: Upload,
    arrival: Arrival,
    outcome: ReceptionOutcome,
    reason_code: str = "",
    reason: str = "",
    *,
    instance: Instance | None = None,
) -> Reception:
    return Reception(
        upload=upload,
        path=arrival.path,
        outcome=outcome,
        reason_code=reason_code or arrival.reason_code,
        reason=reason or arrival.reason,
        instance=instance,
        blob_id=_digest(arrival),
    )
