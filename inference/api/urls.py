"""The machines' addresses below /api/, one list per resource."""

from inference.api import inputs, jobs, model_imports, models, queue, routing_rules, usage_limits

urlpatterns = [
    *inputs.urlpatterns,
    *jobs.urlpatterns,
    *model_imports.urlpatterns,
    *models.urlpatterns,
    *queue.urlpatterns,
    *routing_rules.urlpatterns,
    *usage_limits.urlpatterns,
]
