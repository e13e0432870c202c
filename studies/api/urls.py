"""The record's addresses below /api/, one list per resource."""

from studies.api import patients, series, session, studies, worklist

urlpatterns = [
    *session.urlpatterns,
    *worklist.urlpatterns,
    *patients.urlpatterns,
    *studies.urlpatterns,
    *series.urlpatterns,
]
