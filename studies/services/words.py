"""The words by which the worklist finds a study, kept current with what the study says."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from studies.models import Study, StudyWord
from studies.selectors.words import fold_words, modality_word


def words_of(study: Study) -> list[str]:
    """Return the folded words of a study, its patient loaded, and a word for each of its modalities."""
    patient = study.patient
    who = (patient.patient_name, patient.patient_id)
    what = (study.study_description, study.accession_number, study.study_id, study.modalities)
    modalities = [modality_word(modality) for modality in study.modalities.split("\\") if modality]
    return [*fold_words(*who, *what), *modalities]


def index_studies(studies: Iterable[Study]) -> None:
    """Bring the words of some studies up to date; inside the caller's transaction, which has locked them."""
    wanted = {study.pk: set(words_of(study)) for study in studies}
    there: dict[UUID, set[str]] = {key: set() for key in wanted}
    for row in StudyWord.objects.filter(study__in=wanted):
        there[row.study_id].add(row.word)
    for key, words in wanted.items():
        if stale := there[key] - words:
            StudyWord.objects.filter(study_id=key, word__in=stale).delete()
    StudyWord.objects.bulk_create(
        StudyWord(study_id=key, word=word) for key, words in wanted.items() for word in sorted(words - there[key])
    )
