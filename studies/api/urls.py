"""The record's addresses below /api/, one list per resource."""

from studies.api import (
    measurements,
    patients,
    registrations,
    segmentations,
    series,
    session,
    studies,
    uploads,
    worklist,
)

urlpatterns = [
    *session.urlpatterns,
    *worklist.urlpatterns,
    *patients.urlpatterns,
    *studies.urlpatterns,
    *series.urlpatterns,
    *segmentations.urlpatterns,
    *measurements.urlpatterns,
    *registrations.urlpatterns,
    *uploads.urlpatterns,
]
