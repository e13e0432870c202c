"""Verdicts, what stands behind them, and what readers say instead, as they are answered and asked."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from studies.api.tracking_serializers import words
from studies.tracking.burden import Direction
from studies.tracking.comparability import Concern, MismatchCode, Severity
from studies.tracking.courses import COMPUTABLE
from studies.tracking.criteria.verdict import Response as Category
from studies.tracking.due_dates import DueKind, DueState
from studies.tracking.growth import GrowthTrend
from studies.tracking.insight import Reference

CATEGORIES = [(word, word) for word in words(Category)]
CRITERIA = [(word, word) for word in words(COMPUTABLE)]


class ClauseSerializer(serializers.Serializer[Any]):
    """A rule that fired."""

    rule_id = serializers.CharField()
    sentence = serializers.CharField()


class ConfigurationValueSerializer(serializers.Serializer[Any]):
    """A value that the sources leave open and the verdict depended on."""

    name = serializers.CharField()
    value = serializers.CharField()
    meaning = serializers.CharField()


class CompositionSerializer(serializers.Serializer[Any]):
    """What one lesion adds to a sum; null where it was not evaluated."""

    lesion = serializers.CharField()
    value = serializers.FloatField(allow_null=True)


class NumbersSerializer(serializers.Serializer[Any]):
    """The numbers a verdict used."""

    quantity = serializers.CharField()
    unit = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text="Of the voxel grid's 95 % interval.")
    high = serializers.FloatField(allow_null=True)
    baseline = serializers.FloatField(allow_null=True)
    baseline_day = serializers.IntegerField(allow_null=True)
    nadir = serializers.FloatField(allow_null=True)
    nadir_day = serializers.IntegerField(allow_null=True)
    percent_from_baseline = serializers.CharField(help_text="As shown: a missed threshold never reads as reached.")
    percent_from_nadir = serializers.CharField()
    composition = CompositionSerializer(many=True)


class BandsSerializer(serializers.Serializer[Any]):
    """Where the next date's sum would reach another response."""

    partial_at = serializers.FloatField()
    progression_at = serializers.FloatField()
    unit = serializers.CharField()
    note = serializers.CharField(allow_blank=True)


class TimepointVerdictSerializer(serializers.Serializer[Any]):
    """The response on one date."""

    timepoint_id = serializers.UUIDField()
    study_id = serializers.UUIDField()
    study_date = serializers.DateField()
    day = serializers.IntegerField()
    overall_response = serializers.ChoiceField(choices=CATEGORIES)
    target_response = serializers.ChoiceField(choices=CATEGORIES)
    non_target_response = serializers.ChoiceField(choices=CATEGORIES, allow_null=True)
    clause = ClauseSerializer()
    clauses = ClauseSerializer(many=True)
    numbers = NumbersSerializer()
    bands_after = BandsSerializer(
        allow_null=True, help_text="Against this date and those before; null where the criterion has no such lines."
    )
    configuration = ConfigurationValueSerializer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())
    review_flags = serializers.ListField(child=serializers.CharField())


class BestResponseSerializer(serializers.Serializer[Any]):
    """The best overall response."""

    response = serializers.ChoiceField(choices=CATEGORIES)
    clause = ClauseSerializer()
    day = serializers.IntegerField(allow_null=True)


class OverrideSerializer(serializers.Serializer[Any]):
    """What a reader said instead of the computed verdict; an empty response took it back."""

    response = serializers.ChoiceField(choices=CATEGORIES, allow_blank=True)
    reason = serializers.CharField()
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()


class FlipSerializer(serializers.Serializer[Any]):
    """The last change of the verdict, and what changed before it."""

    before_response = serializers.ChoiceField(choices=CATEGORIES, source="before.overall_response")
    before_sentence = serializers.CharField(source="before.sentence")
    before_at = serializers.DateTimeField(source="before.created_at")
    after_response = serializers.ChoiceField(choices=CATEGORIES, source="after.overall_response")
    after_sentence = serializers.CharField(source="after.sentence")
    after_at = serializers.DateTimeField(source="after.created_at")
    reasons = serializers.ListField(child=serializers.CharField())


class DueSerializer(serializers.Serializer[Any]):
    """A scan or a decision that is due, and how that stands today."""

    kind = serializers.ChoiceField(choices=words(DueKind))
    earliest = serializers.DateField()
    latest = serializers.DateField(allow_null=True)
    state = serializers.ChoiceField(choices=words(DueState))
    sentence = serializers.CharField()
    rule_id = serializers.CharField()


class AssessmentSerializer(serializers.Serializer[Any]):
    """What a criterion says of a patient."""

    criterion = serializers.ChoiceField(choices=CRITERIA)
    is_planned = serializers.BooleanField(help_text="The patient is followed by this criterion.")
    digest = serializers.CharField(help_text="Of all that the verdict rests on: an override names it.")
    questions = serializers.ListField(
        child=serializers.CharField(), help_text="Why the verdict is provisional; empty where it is not."
    )
    timepoints = TimepointVerdictSerializer(many=True)
    best_overall_response = BestResponseSerializer()
    progression_day = serializers.IntegerField(allow_null=True)
    unconfirmed_progression_day = serializers.IntegerField(allow_null=True)
    pseudoprogression_days = serializers.ListField(child=serializers.IntegerField())
    configuration_version = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField())
    review_flags = serializers.ListField(child=serializers.CharField())
    overrides = OverrideSerializer(many=True, help_text="On exactly these inputs, newest first.")
    flip = FlipSerializer(allow_null=True)
    due = DueSerializer(many=True)


class NewOverrideSerializer(serializers.Serializer[Any]):
    """A reader's verdict; an empty response takes an earlier one back."""

    criterion = serializers.ChoiceField(choices=CRITERIA)
    digest = serializers.CharField(max_length=64)
    response = serializers.ChoiceField(choices=CATEGORIES, allow_blank=True)
    reason = serializers.CharField(max_length=2000)


class ResponseShareSerializer(serializers.Serializer[Any]):
    """How probable a response is, or how many choices of targets give it."""

    response = serializers.ChoiceField(choices=CATEGORIES)
    share = serializers.FloatField()


class ProbabilitySerializer(serializers.Serializer[Any]):
    """P(response) by simulation over measurement error; empty with a reason where unknown."""

    shares = ResponseShareSerializer(many=True)
    draws = serializers.IntegerField()
    seed = serializers.IntegerField()
    monte_carlo_error = serializers.FloatField(allow_null=True)
    basis = serializers.CharField(allow_blank=True)
    unknown_because = serializers.CharField(allow_blank=True)


class SelectionCountSerializer(serializers.Serializer[Any]):
    """How many legal choices of targets give a response."""

    response = serializers.ChoiceField(choices=CATEGORIES)
    count = serializers.IntegerField()


class SelectionSerializer(serializers.Serializer[Any]):
    """How much the verdict depends on which lesions are targets."""

    total = serializers.IntegerField()
    counts = SelectionCountSerializer(many=True)
    present_response = serializers.ChoiceField(choices=CATEGORIES, allow_null=True)
    sentence = serializers.CharField()


class FlipMarginSerializer(serializers.Serializer[Any]):
    """The smallest change of one measurement that would change the verdict."""

    lesion = serializers.CharField(source="lesion_id")
    present_mm = serializers.FloatField()
    change_mm = serializers.FloatField()
    response_after = serializers.ChoiceField(choices=CATEGORIES)
    sentence = serializers.CharField()


class ChangeSerializer(serializers.Serializer[Any]):
    """A change with its 95 % repeatability interval and the probability that growth is real."""

    quantity = serializers.CharField()
    old = serializers.FloatField()
    new = serializers.FloatField()
    absolute = serializers.FloatField()
    percent = serializers.FloatField(allow_null=True)
    low_percent = serializers.FloatField(source="interval.low_percent", allow_null=True, default=None)
    high_percent = serializers.FloatField(source="interval.high_percent", allow_null=True, default=None)
    growth_probability = serializers.FloatField(allow_null=True)
    shrinkage_probability = serializers.FloatField(allow_null=True)
    basis = serializers.CharField(allow_blank=True)
    unknown_because = serializers.CharField(allow_blank=True)
    cautions = serializers.ListField(child=serializers.CharField())


class LesionChangeSerializer(serializers.Serializer[Any]):
    """How a lesion changed between two days."""

    lesion = serializers.CharField()
    reference = serializers.ChoiceField(choices=words(Reference))
    from_day = serializers.IntegerField()
    to_day = serializers.IntegerField()
    diameter = ChangeSerializer()
    volume = ChangeSerializer()


class SumChangeSerializer(serializers.Serializer[Any]):
    """How the sum of the targets changed up to the latest date."""

    reference = serializers.ChoiceField(choices=words(Reference))
    from_day = serializers.IntegerField()
    to_day = serializers.IntegerField()
    change = ChangeSerializer()


class RateSerializer(serializers.Serializer[Any]):
    """A rate with its 95 % interval."""

    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class GrowthSerializer(serializers.Serializer[Any]):
    """How fast a lesion's volume grows."""

    lesion = serializers.CharField()
    trend = serializers.ChoiceField(choices=words(GrowthTrend), source="growth.trend")
    ml_per_day = RateSerializer(source="growth.per_day")
    percent_per_month = RateSerializer(source="growth.percent_per_month")
    doubling_days = serializers.FloatField(source="growth.doubling_time.days", allow_null=True)
    doubling_sentence = serializers.CharField(source="growth.doubling_time.sentence")
    date_count = serializers.IntegerField(source="growth.date_count")
    unknown_because = serializers.CharField(source="growth.unknown_because", allow_blank=True)


class SideBySideSerializer(serializers.Serializer[Any]):
    """What another criterion says of the latest date, by its own configuration."""

    criterion = serializers.CharField()
    overall_response = serializers.ChoiceField(choices=CATEGORIES)
    clause = ClauseSerializer()


class DisagreementSerializer(serializers.Serializer[Any]):
    """Two criteria that mean different things on one day, and why."""

    day = serializers.IntegerField(source="days_from_baseline")
    first = serializers.CharField()
    second = serializers.CharField()
    first_response = serializers.ChoiceField(choices=CATEGORIES)
    second_response = serializers.ChoiceField(choices=CATEGORIES)
    explanation = serializers.CharField()


class MismatchSerializer(serializers.Serializer[Any]):
    """Something in which two dates were imaged differently."""

    code = serializers.ChoiceField(choices=words(MismatchCode))
    sentence = serializers.CharField()
    severity = serializers.ChoiceField(choices=words(Severity))
    concern = serializers.ChoiceField(choices=words(Concern))


class ComparabilitySerializer(serializers.Serializer[Any]):
    """How a date's images differ from the baseline's."""

    timepoint_id = serializers.UUIDField()
    mismatches = MismatchSerializer(many=True)
    notes = serializers.ListField(child=serializers.CharField(), help_text="What the headers leave open.")


class MeasuredSerializer(serializers.Serializer[Any]):
    """A number with the grid's 95 % interval; an end that is null is not known."""

    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class OrganBurdenSerializer(serializers.Serializer[Any]):
    """What an organ holds."""

    organ = serializers.CharField()
    count = serializers.IntegerField()
    volume_ml = serializers.FloatField()


class BurdenSerializer(serializers.Serializer[Any]):
    """Every lesion of one day, not only the targets."""

    day = serializers.IntegerField()
    count = serializers.IntegerField()
    diameters = MeasuredSerializer(help_text="mm")
    volumes = MeasuredSerializer(help_text="mL")
    not_measured = serializers.ListField(child=serializers.CharField(), help_text="Lesions the sums leave out.")
    by_organ = OrganBurdenSerializer(many=True)


class LesionDirectionSerializer(serializers.Serializer[Any]):
    """Where a lesion went from baseline to the latest date."""

    name = serializers.CharField()
    direction = serializers.ChoiceField(choices=words(Direction))
    sentence = serializers.CharField()


class MixedResponseSerializer(serializers.Serializer[Any]):
    """How far lesions went different ways: 0 together, 1 half of them against the others."""

    index = serializers.FloatField(allow_null=True)
    burden_index = serializers.FloatField(allow_null=True)
    sentence = serializers.CharField()
    lesions = LesionDirectionSerializer(many=True)


class InsightSerializer(serializers.Serializer[Any]):
    """What stands behind a verdict; what cannot be known has its reason beside it."""

    digest = serializers.CharField()
    criterion = serializers.ChoiceField(choices=CRITERIA)
    probability = ProbabilitySerializer()
    selection = SelectionSerializer(allow_null=True)
    selection_unknown = serializers.CharField(allow_blank=True)
    flip_margins = FlipMarginSerializer(many=True)
    flip_unknown = serializers.CharField(allow_blank=True)
    lesion_changes = LesionChangeSerializer(many=True)
    sum_changes = SumChangeSerializer(many=True)
    growth = GrowthSerializer(many=True)
    side_by_side = SideBySideSerializer(many=True)
    disagreements = DisagreementSerializer(many=True)
    comparability = ComparabilitySerializer(many=True)
    burden = BurdenSerializer(many=True)
    mixed_response = MixedResponseSerializer(allow_null=True)
