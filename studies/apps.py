"""The clinical record as a Django app."""

from django.apps import AppConfig


class StudiesConfig(AppConfig):
    """Patients, studies, label maps, audit."""

    name = "studies"
    verbose_name = "Clinical record"
