"""The machines' records."""

from inference.models.catalogue import ModelImport, ModelImportState, ModelSetting
from inference.models.job import FOCUS_FIELDS, JobBrick, JobMap, SegmentationJob
from inference.models.policy import RoutingNote, RoutingRule, UsageLimit

__all__ = [
    "FOCUS_FIELDS",
    "JobBrick",
    "JobMap",
    "ModelImport",
    "ModelImportState",
    "ModelSetting",
    "RoutingNote",
    "RoutingRule",
    "SegmentationJob",
    "UsageLimit",
]
