"""The machines' records."""

from inference.models.catalogue import ModelImport, ModelImportState, ModelSetting
from inference.models.evaluation import (
    UNDER_WAY,
    EvaluationFile,
    EvaluationSource,
    EvaluationState,
    ModelEvaluation,
)
from inference.models.job import FOCUS_FIELDS, JobBrick, JobMap, SegmentationJob
from inference.models.policy import RULE_WORDS, LaidDefault, RoutingNote, RoutingRule, UsageLimit

__all__ = [
    "FOCUS_FIELDS",
    "RULE_WORDS",
    "UNDER_WAY",
    "EvaluationFile",
    "EvaluationSource",
    "EvaluationState",
    "JobBrick",
    "JobMap",
    "LaidDefault",
    "ModelEvaluation",
    "ModelImport",
    "ModelImportState",
    "ModelSetting",
    "RoutingNote",
    "RoutingRule",
    "SegmentationJob",
    "UsageLimit",
]
