"""Evaluations as the API shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from inference.evaluation.wish import DEFAULT_BASELINE
from inference.models import EvaluationSource, EvaluationState, ModelEvaluation

VERDICTS = [(each, each) for each in ("accepted", "not_accepted", "cannot_tell")]
"""`inference.evaluation.acceptance.Verdict`, which web servers do not load: its room knows torch."""
GROUNDS = [(each, each) for each in ("low_reaches", "high_below", "straddles", "few", "nowhere")]


class ModelEvaluationSerializer(serializers.Serializer[ModelEvaluation]):
    """What was asked, by whom, and where it stands."""

    id = serializers.UUIDField()
    team_id = serializers.UUIDField()
    team_name = serializers.CharField(source="team.name")
    model_name = serializers.CharField()
    model_version = serializers.CharField()
    cases_from = serializers.ChoiceField(choices=EvaluationSource.choices)
    file_name = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField(help_text="Of the file.")
    baseline = serializers.CharField()
    least_dice = serializers.FloatField(allow_null=True, help_text="Null where no verdict was asked for.")
    state = serializers.ChoiceField(choices=EvaluationState.choices)
    is_cancel_requested = serializers.BooleanField()
    cases_done = serializers.IntegerField()
    cases_total = serializers.IntegerField()
    windows_done = serializers.IntegerField(help_text="Of the case in hand.")
    windows_total = serializers.IntegerField()
    seconds_left = serializers.FloatField(allow_null=True)
    verdict = serializers.CharField(help_text="accepted, not_accepted, cannot_tell; empty where there is none.")
    failure_code = serializers.CharField()
    failure = serializers.CharField(help_text="Why it was refused, in a sentence.")
    requested_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class ModelEvaluationListSerializer(serializers.Serializer[Any]):
    """The newest, how large a file may be, and which simple methods there are."""

    results = ModelEvaluationSerializer(many=True)
    most_bytes = serializers.IntegerField()
    baselines = serializers.ListField(child=serializers.CharField())


class EvaluationIntervalSerializer(serializers.Serializer[Any]):
    """A mean over cases with its 95 % bootstrap interval."""

    mean = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    median = serializers.FloatField()
    count = serializers.IntegerField(help_text="Cases in which the measure has a meaning.")


class MeasuresSerializer(serializers.Serializer[Any]):
    """Every measure over some cases; null where it has no meaning in any."""

    dice = EvaluationIntervalSerializer(allow_null=True)
    surface_dice = EvaluationIntervalSerializer(allow_null=True)
    hd95 = EvaluationIntervalSerializer(allow_null=True)
    volume_error = EvaluationIntervalSerializer(allow_null=True)
    lesion_f1 = EvaluationIntervalSerializer(allow_null=True)


class EvaluationSummarySerializer(serializers.Serializer[Any]):
    """One structure over all cases, or over those of one group."""

    segment_label = serializers.CharField()
    group = serializers.CharField(help_text="Empty where no header tells, and in figures over all cases.")
    cases = serializers.IntegerField()
    model = MeasuresSerializer()
    baseline = MeasuresSerializer(allow_null=True)
    below_half = serializers.IntegerField(help_text="Cases with a Dice below 0.5.")
    marked_where_nothing_is = serializers.IntegerField()
    lesions = serializers.IntegerField()
    lesions_found = serializers.IntegerField()
    lesions_false = serializers.IntegerField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Write a summary without a baseline as having none."""
        return super().to_representation({**instance, "baseline": instance["baseline"] or None})


class AgreementSerializer(serializers.Serializer[Any]):
    """One structure of one case."""

    dice = serializers.FloatField(allow_null=True)
    surface_dice = serializers.FloatField(allow_null=True)
    hd95 = serializers.FloatField(allow_null=True)
    volume_error = serializers.FloatField(allow_null=True)
    lesion_f1 = serializers.FloatField(allow_null=True)
    truth_ml = serializers.FloatField()
    found_ml = serializers.FloatField()


class CaseScoreSerializer(serializers.Serializer[Any]):
    """One structure of one case with what a simple method does on it."""

    case = serializers.CharField()
    segment_label = serializers.CharField()
    agreement = AgreementSerializer()
    baseline = AgreementSerializer(allow_null=True)
    seconds = serializers.FloatField()
    facts = serializers.DictField(child=serializers.CharField())


class GroupsSerializer(serializers.Serializer[Any]):
    """Figures by what headers tell; empty where none tells."""

    scanner = EvaluationSummarySerializer(many=True)
    site = EvaluationSummarySerializer(many=True)
    sequence = EvaluationSummarySerializer(many=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Write what no header tells as empty."""
        return super().to_representation({"scanner": [], "site": [], "sequence": [], **instance})


class SegmentJudgementSerializer(serializers.Serializer[Any]):
    """The verdict on one structure."""

    segment_label = serializers.CharField()
    verdict = serializers.ChoiceField(choices=VERDICTS)
    ground = serializers.ChoiceField(choices=GROUNDS)
    dice = EvaluationIntervalSerializer(allow_null=True)


class JudgementSerializer(serializers.Serializer[Any]):
    """The verdict on the model."""

    least_dice = serializers.FloatField()
    verdict = serializers.ChoiceField(choices=VERDICTS)
    segments = SegmentJudgementSerializer(many=True)


class MakersSerializer(serializers.Serializer[Any]):
    """What was measured of the model where it was made."""

    segment_label = serializers.CharField()
    cases = serializers.IntegerField()
    dice = EvaluationIntervalSerializer(allow_null=True)


class EvaluationRemarkSerializer(serializers.Serializer[Any]):
    """Outlined numbers that count as none of the model's segments."""

    code = serializers.CharField()
    number = serializers.IntegerField()
    cases = serializers.IntegerField()


class LeftOutSerializer(serializers.Serializer[Any]):
    """A case that was not used."""

    name = serializers.CharField()
    reason = serializers.CharField()
    code = serializers.CharField()


class EvaluationWorstSerializer(serializers.Serializer[Any]):
    """A case with a low Dice; its picture is `worst-N.webp`, N from 1."""

    case = serializers.CharField()
    dice = serializers.DictField(child=serializers.FloatField(allow_null=True), help_text="By segment.")


class EvaluationReportSerializer(serializers.Serializer[Any]):
    """What was found."""

    weights_sha256 = serializers.CharField(source="model.weights_sha256")
    software_version = serializers.CharField()
    few_cases = serializers.IntegerField(help_text="Below so many an interval says little.")
    summaries = EvaluationSummarySerializer(many=True)
    by = GroupsSerializer()
    judgement = JudgementSerializer(allow_null=True)
    makers = MakersSerializer(many=True, allow_null=True)
    remarks = EvaluationRemarkSerializer(many=True)
    worst = EvaluationWorstSerializer(many=True)
    cases = CaseScoreSerializer(many=True)
    left_out = LeftOutSerializer(many=True)


class ModelEvaluationDetailSerializer(ModelEvaluationSerializer):
    """An evaluation with what was found; null until it is finished."""

    report = EvaluationReportSerializer(allow_null=True)


class EvaluationWishSerializer(serializers.Serializer[Any]):
    """What a person asks."""

    model = serializers.CharField(max_length=64)
    team = serializers.UUIDField(required=False, allow_null=True, default=None)
    cases_from = serializers.ChoiceField(choices=EvaluationSource.choices, default=EvaluationSource.FILE)
    file_name = serializers.CharField(required=False, allow_blank=True, max_length=255, default="")
    baseline = serializers.CharField(max_length=32, default=DEFAULT_BASELINE)
    modality = serializers.CharField(required=False, allow_blank=True, max_length=16, default="")
    least_dice = serializers.FloatField(required=False, allow_null=True, min_value=0, max_value=1, default=None)
    segments = serializers.DictField(
        child=serializers.ListField(
            child=serializers.IntegerField(min_value=1, max_value=255), min_length=1, max_length=255
        ),
        required=False,
        allow_null=True,
        default=None,
        help_text="Outlined numbers that count as each segment number; null: equal numbers.",
    )

    def validate_segments(self, value: dict[str, list[int]] | None) -> dict[int, tuple[int, ...]] | None:
        """Read segment numbers."""
        if not value:
            return None
        try:
            return {int(number): tuple(outlined) for number, outlined in value.items()}
        except ValueError as error:
            raise serializers.ValidationError("Name segments by their numbers.") from error
