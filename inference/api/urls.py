"""The machines' addresses below /api/, one list per resource."""

from inference.api import inputs, jobs, models

urlpatterns = [*inputs.urlpatterns, *jobs.urlpatterns, *models.urlpatterns]
