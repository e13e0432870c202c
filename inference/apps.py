"""The machines as a Django app."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    """Segmentation jobs and the models they run."""

    name = "inference"
    verbose_name = "Segmentation jobs"
