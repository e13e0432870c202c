"""How an operation is named in the contract: by its method and its address, which no two share."""

from __future__ import annotations

import re

from drf_spectacular.openapi import AutoSchema


class AddressSchema(AutoSchema):
    """Describe a view as drf-spectacular does; `GET /api/jobs/{job_id}` is `get_jobs_job_id`."""

    def get_operation_id(self) -> str:
        """Return the method and the words of the address."""
        return "_".join([self.method.lower(), *re.findall(r"\w+", self.path.removeprefix("/api/"))])
