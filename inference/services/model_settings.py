"""What administrators do with models that are there: switch them off and on, and take imported versions away."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import transaction

from inference.formats.store import find_stored, remove_stored
from inference.job_states import ACTIVE
from inference.models import ModelSetting, SegmentationJob
from inference.registry import UnknownModelError, get_model, list_built_in
from studies.errors import ConflictError
from studies.models import Role, User
from studies.permissions import require_role
from studies.services import audit

SWITCHED_OFF = "An administrator has switched this model off."


class ModelShipsError(ConflictError):
    """The model belongs to SegWeb and cannot be taken away."""

    code: ClassVar[str] = "model.ships_with_segweb"


class ModelInUseError(ConflictError):
    """A job that waits or runs needs this version."""

    code: ClassVar[str] = "model.in_use"


@transaction.atomic
def set_model_enabled(name: str, *, is_enabled: bool, changed_by: User, address: str = "") -> ModelSetting:
    """Switch a model off or on; jobs that already wait or run go on."""
    require_role(changed_by, Role.ADMINISTRATOR)
    spec = get_model(name)
    setting, _ = ModelSetting.objects.update_or_create(
        model_name=spec.name, defaults={"is_enabled": is_enabled, "changed_by": changed_by}
    )
    act = "model.switched_on" if is_enabled else "model.switched_off"
    audit.record(act=act, actor=changed_by, subject=setting, address=address)
    return setting


def remove_version(name: str, version: str, *, removed_by: User, address: str = "") -> None:
    """Take an imported version away; label maps it made stay, and keep saying which model and version made them."""
    require_role(removed_by, Role.ADMINISTRATOR)
    if any(spec.name == name for spec in list_built_in()):
        raise ModelShipsError("This model ships with SegWeb. Switch it off instead.")
    found = find_stored(settings.SEGWEB_DATA_DIR / "models", name, version)
    if found is None:
        raise UnknownModelError(f"There is no imported model {name[:64]!r} {version[:32]!r}.")
    with transaction.atomic():
        active = SegmentationJob.objects.filter(model_name=name, model_version=version, state__in=sorted(ACTIVE))
        count = active.count()
        if count:
            jobs = "1 job" if count == 1 else f"{count} jobs"
            raise ModelInUseError(f"{jobs} with this version wait or run. Let them end or cancel them, then try again.")
        remove_stored(found)
        audit.record(act="model.removed", actor=removed_by, address=address, model=f"{name} {version}")
