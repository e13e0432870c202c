"""The record's addresses below /api/, one list per resource."""

from studies.api import (
    assessments,
    figures,
    measurements,
    patients,
    registrations,
    segmentations,
    series,
    session,
    studies,
    tracking,
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
    *figures.urlpatterns,
    *registrations.urlpatterns,
    *tracking.urlpatterns,
    *assessments.urlpatterns,
    *uploads.urlpatterns,
]
