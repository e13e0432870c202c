"""The machines' records."""

from inference.models.catalogue import ModelImport, ModelImportState, ModelSetting
from inference.models.job import FOCUS_FIELDS, JobBrick, JobMap, SegmentationJob
from inference.models.policy import RULE_WORDS, LaidDefault, RoutingNote, RoutingRule, UsageLimit

__all__ = [
    "FOCUS_FIELDS",
    "RULE_WORDS",
    "JobBrick",
    "JobMap",
    "LaidDefault",
    "ModelImport",
    "ModelImportState",
    "ModelSetting",
    "RoutingNote",
    "RoutingRule",
    "SegmentationJob",
    "UsageLimit",
]
