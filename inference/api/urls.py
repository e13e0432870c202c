"""The machines' addresses below /api/, one list per resource."""

from inference.api import inputs, jobs, model_imports, models

urlpatterns = [*inputs.urlpatterns, *jobs.urlpatterns, *model_imports.urlpatterns, *models.urlpatterns]
