"""The machines' addresses below /api/, one list per resource."""

from inference.api import (
    evaluations,
    explanations,
    inputs,
    jobs,
    model_evidence,
    model_imports,
    models,
    queue,
    routing_rules,
    series_routing,
    usage_limits,
    volume_intervals,
)

urlpatterns = [
    *evaluations.urlpatterns,
    *explanations.urlpatterns,
    *inputs.urlpatterns,
    *jobs.urlpatterns,
    *model_evidence.urlpatterns,
    *model_imports.urlpatterns,
    *models.urlpatterns,
    *queue.urlpatterns,
    *routing_rules.urlpatterns,
    *series_routing.urlpatterns,
    *usage_limits.urlpatterns,
    *volume_intervals.urlpatterns,
]
