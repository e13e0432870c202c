"""The machines' addresses below /api/, one list per resource."""

from inference.api import jobs, models

urlpatterns = [*jobs.urlpatterns, *models.urlpatterns]
