"""The machines as a Django app."""

from django.apps import AppConfig
from django.conf import settings

from inference.pipeline.backends.records import use_records_folder
from inference.registry import use_models_folder
from studies.signals import series_settled


class InferenceConfig(AppConfig):
    """Segmentation jobs and the models they run."""

    name = "inference"
    verbose_name = "Segmentation jobs"

    def ready(self) -> None:
        use_models_folder(settings.SEGWEB_DATA_DIR / "models")
        use_records_folder(settings.SEGWEB_DATA_DIR / "backends")
        from inference.services.routing import route_settled_series  # records, which cannot be loaded before now

        series_settled.connect(route_settled_series, dispatch_uid="inference.routing")
