"""Give the studies that are here already a search word for each of their modalities: the worklist's filter reads it."""

from django.db import migrations

BATCH = 2000


def add_words(apps, schema_editor):
    words = apps.get_model("studies", "StudyWord").objects
    studies = apps.get_model("studies", "Study").objects.exclude(modalities="").order_by()
    batch = []
    for study_id, modalities in studies.values_list("pk", "modalities").iterator(chunk_size=BATCH):
        named = {modality for modality in modalities.split("\\") if modality}
        batch += [words.model(study_id=study_id, word=f"={modality}") for modality in sorted(named)]
        if len(batch) >= BATCH:
            words.bulk_create(batch, ignore_conflicts=True)
            batch = []
    words.bulk_create(batch, ignore_conflicts=True)


def remove_words(apps, schema_editor):
    apps.get_model("studies", "StudyWord").objects.filter(word__startswith="=").delete()


class Migration(migrations.Migration):
    dependencies = [("studies", "0004_worklist_indexes")]
    operations = [migrations.RunPython(add_words, remove_words)]
