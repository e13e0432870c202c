"""The followed course of a patient as it is answered and asked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from studies.api.observation_serializers import ObservationSerializer
from studies.models import (
    Lesion,
    LesionState,
    MatchingState,
    ResponsePlan,
    Segmentation,
    Study,
    TherapyKind,
    TherapyLine,
)
from studies.services.lesion_edits import STATED
from studies.services.tracking_view import (
    FollowedLesionView,
    FollowedTimepointView,
    RegistrationView,
    TrackingView,
)
from studies.tracking.courses import COMPUTABLE
from studies.tracking.criteria.brain_inputs import Trend, TumourComponent
from studies.tracking.criteria.inputs import Certainty, ClinicalStatus, LesionKind, LesionRole
from studies.tracking.criteria.lugano_pet import SCORES, UptakeTrend
from studies.tracking.criteria.measurability import FindingType, Measurability
from studies.tracking.criteria.target_selection import SelectionError
from studies.tracking.timeline import Finding

ROLES = [str(LesionRole.TARGET), str(LesionRole.NON_TARGET)]


TRENDS = [(str(trend), str(trend)) for trend in Trend]
MOST_REFERENCE_SUL = 9
"""Liver and blood take up 1 to 3; more than this is another unit, or a point that was lost."""

SEEN = "The state that was on screen; 409 where it is another by now."


def words(values: Any) -> list[str]:
    """Return an enumeration's values for a choice field."""
    return [str(value) for value in values]


class PlanSerializer(serializers.Serializer[ResponsePlan]):
    """How the patient is followed."""

    criterion = serializers.ChoiceField(choices=words(COMPUTABLE))
    configuration = serializers.DictField(help_text="What differs from the criterion's own configuration.")
    baseline_id = serializers.UUIDField(allow_null=True, help_text="Null: the first timepoint that takes part.")
    computable = serializers.SerializerMethodField()

    def get_computable(self, _plan: ResponsePlan) -> list[str]:
        """Return the criteria that can be chosen."""
        return words(COMPUTABLE)


class NewPlanSerializer(serializers.Serializer[Any]):
    """What is to change; what is not named stays."""

    criterion = serializers.ChoiceField(choices=words(COMPUTABLE), required=False)
    configuration = serializers.DictField(required=False)
    baseline_id = serializers.UUIDField(required=False, allow_null=True, help_text="Null: the first timepoint.")


def reference_field(smallest: str) -> serializers.DecimalField:
    """Return a field for the uptake of a reference tissue, g/mL."""
    return serializers.DecimalField(
        max_digits=5,
        decimal_places=2,
        min_value=Decimal(smallest),
        max_value=MOST_REFERENCE_SUL,
        allow_null=True,
        required=False,
        help_text="SUL, g/mL.",
    )


class RecordedTimepointSerializer(serializers.Serializer[Any]):
    """What a reader records of the patient on a date; what is not named stays."""

    excluded_reason = serializers.CharField(max_length=300, allow_blank=True, required=False)
    comparability_accepted_reason = serializers.CharField(
        max_length=300,
        allow_blank=True,
        required=False,
        help_text="Not empty: compared with the baseline though imaged otherwise.",
    )
    clinical_status = serializers.ChoiceField(choices=words(ClinicalStatus), required=False)
    steroid_dexamethasone_mg = serializers.DecimalField(
        max_digits=6, decimal_places=2, min_value=0, allow_null=True, required=False, help_text="Daily, mg."
    )
    is_steroid_replacement = serializers.BooleanField(required=False)
    is_tumour_marker_elevated = serializers.BooleanField(allow_null=True, required=False)
    non_measurable_trend = serializers.ChoiceField(choices=TRENDS, allow_blank=True, required=False)
    flair_trend = serializers.ChoiceField(choices=TRENDS, allow_blank=True, required=False)
    liver_sul_mean = reference_field("0.1")
    liver_sul_sd = reference_field("0")
    blood_sul_mean = reference_field("0.1")
    blood_sul_sd = reference_field("0")
    reference_source = serializers.CharField(
        max_length=120, allow_blank=True, required=False, help_text="Where liver and blood pool were read."
    )
    deauville_score = serializers.IntegerField(
        min_value=SCORES[0], max_value=SCORES[-1], allow_null=True, required=False
    )
    uptake_trend = serializers.ChoiceField(
        choices=words(UptakeTrend), allow_blank=True, required=False, help_text="Against the baseline."
    )


class TimepointSerializer(serializers.Serializer[FollowedTimepointView]):
    """A date on which lesions are followed."""

    id = serializers.UUIDField(source="timepoint.pk")
    study_id = serializers.UUIDField(source="timepoint.study_id")
    study_date = serializers.DateField(source="timepoint.study.study_date", allow_null=True)
    day = serializers.IntegerField(allow_null=True, help_text="From baseline; null where it takes no part.")
    is_baseline = serializers.BooleanField()
    segmentation_id = serializers.UUIDField(source="timepoint.segmentation_id")
    series_id = serializers.UUIDField(source="timepoint.segmentation.series_id")
    series_description = serializers.CharField(source="timepoint.segmentation.series.series_description")
    modality = serializers.CharField(source="timepoint.segmentation.series.modality")
    revision_id = serializers.UUIDField(source="timepoint.revision_id", allow_null=True)
    revision_number = serializers.SerializerMethodField()
    matching_state = serializers.ChoiceField(source="timepoint.matching_state", choices=MatchingState.choices)
    problem_code = serializers.CharField(source="timepoint.problem_code")
    problem = serializers.CharField(source="timepoint.problem")
    recorded = RecordedTimepointSerializer(source="timepoint")

    def get_revision_number(self, view: FollowedTimepointView) -> int | None:
        """Return the number of the revision that is measured."""
        revision = view.timepoint.revision
        return None if revision is None else revision.number


class FollowSerializer(serializers.Serializer[Any]):
    """The segmentation that counts on a date."""

    segmentation_id = serializers.UUIDField()


class MeasurabilitySerializer(serializers.Serializer[Any]):
    """Whether a lesion can be a target, by which rule."""

    measurability = serializers.ChoiceField(choices=words(Measurability))
    rule_id = serializers.CharField(source="clause.rule_id")
    sentence = serializers.CharField(source="clause.sentence")


class LesionDescriptionSerializer(serializers.Serializer[Lesion]):
    """What a reader says of a lesion; what is not named stays."""

    organ = serializers.CharField(max_length=64, allow_blank=True, required=False)
    site = serializers.CharField(max_length=64, allow_blank=True, required=False)
    kind = serializers.ChoiceField(choices=words(LesionKind), required=False)
    finding_type = serializers.ChoiceField(choices=words(FindingType), required=False)
    has_soft_tissue_component = serializers.BooleanField(required=False)
    is_locally_treated = serializers.BooleanField(required=False)
    has_progressed_since_treatment = serializers.BooleanField(required=False)
    role = serializers.ChoiceField(choices=ROLES, required=False, help_text="Of a lesion that is there at baseline.")
    certainty = serializers.ChoiceField(choices=words(Certainty), required=False, help_text="Of a new lesion.")
    is_growing = serializers.BooleanField(required=False)
    component = serializers.ChoiceField(
        choices=words(TumourComponent), allow_blank=True, required=False, help_text="Of a glioma: CE enhances."
    )
    dismissed_reason = serializers.CharField(
        max_length=300, allow_blank=True, required=False, help_text="Not empty: it is no lesion, because of this."
    )


class RemarkSerializer(serializers.Serializer[Any]):
    """What a second reader would ask about."""

    finding = serializers.ChoiceField(choices=words(Finding))
    timepoint_ids = serializers.ListField(child=serializers.UUIDField())
    sentence = serializers.CharField()


class PlaceSerializer(serializers.Serializer[Any]):
    """Where a lesion lies on a date: marked there, or led there from the nearest date on which it is."""

    timepoint_id = serializers.UUIDField()
    study_id = serializers.UUIDField()
    series_id = serializers.UUIDField()
    study_date = serializers.DateField(allow_null=True)
    at_mm = serializers.ListField(child=serializers.FloatField(), min_length=3, max_length=3, help_text="LPS.")
    is_marked = serializers.BooleanField()


class LesionSerializer(serializers.Serializer[FollowedLesionView]):
    """A lesion, the same one on every date."""

    id = serializers.UUIDField(source="lesion.pk")
    name = serializers.CharField(source="lesion.name")
    number = serializers.IntegerField(source="lesion.number")
    tracking_uid = serializers.CharField(source="lesion.tracking_uid")
    segment_label = serializers.CharField(source="lesion.segment_label")
    role = serializers.ChoiceField(choices=words(LesionRole), help_text="New: not there at baseline.")
    is_role_suggested = serializers.BooleanField(source="lesion.is_role_suggested")
    description = LesionDescriptionSerializer(source="lesion")
    measurability = MeasurabilitySerializer(allow_null=True)
    observations = ObservationSerializer(many=True)
    remarks = RemarkSerializer(many=True)
    places = PlaceSerializer(many=True)


class TherapySerializer(serializers.Serializer[TherapyLine]):
    """A treatment."""

    id = serializers.UUIDField(read_only=True)
    kind = serializers.ChoiceField(choices=TherapyKind.choices)
    name = serializers.CharField(max_length=120)
    start_date = serializers.DateField()
    end_date = serializers.DateField(allow_null=True, required=False)
    is_new_anticancer_therapy = serializers.BooleanField(required=False)
    note = serializers.CharField(max_length=300, allow_blank=True, required=False)


class FollowableSegmentationSerializer(serializers.Serializer[Segmentation]):
    """A segmentation that could count."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    revision_count = serializers.SerializerMethodField()

    def get_revision_count(self, segmentation: Segmentation) -> int:
        """Return how many revisions it has."""
        return len(segmentation.revisions.all())


class FollowableSeriesSerializer(serializers.Serializer[Any]):
    """A series with its segmentations."""

    id = serializers.UUIDField()
    series_description = serializers.CharField()
    modality = serializers.CharField()
    segmentations = FollowableSegmentationSerializer(many=True, source="segmentations.all")


class FollowableStudySerializer(serializers.Serializer[Study]):
    """A study, and what of it could be followed."""

    id = serializers.UUIDField()
    study_date = serializers.DateField(allow_null=True)
    study_description = serializers.CharField()
    series = FollowableSeriesSerializer(many=True, source="series.all")


class PairSerializer(serializers.Serializer[RegistrationView]):
    """Whether two dates that come one after the other lie over each other."""

    prior_series_id = serializers.UUIDField(source="prior_series.pk")
    current_series_id = serializers.UUIDField(source="current_series.pk")
    state = serializers.SerializerMethodField()
    is_trusted = serializers.SerializerMethodField()
    explanation = serializers.CharField(allow_blank=True)

    def get_state(self, view: RegistrationView) -> str:
        """Return none, pending, done or failed."""
        return str(view.registration.state) if view.registration else "none"

    def get_is_trusted(self, view: RegistrationView) -> bool:
        """Tell whether no problem was found."""
        return view.registration is not None and view.registration.is_trusted


class TrackingSerializer(serializers.Serializer[TrackingView]):
    """All that is followed of a patient."""

    patient_id = serializers.UUIDField(source="patient.pk")
    plan = PlanSerializer()
    timepoints = TimepointSerializer(many=True)
    lesions = LesionSerializer(many=True)
    therapy = TherapySerializer(many=True)
    studies = FollowableStudySerializer(many=True)
    registrations = PairSerializer(many=True)


class TargetsSerializer(serializers.Serializer[Any]):
    """The lesions that are targets; every other one is a non-target."""

    lesion_ids = serializers.ListField(child=serializers.UUIDField(), max_length=50)
    seen_ids = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=500,
        required=False,
        help_text="The targets that were on screen; 409 where they are others by now.",
    )


class OrganCountSerializer(serializers.Serializer[Any]):
    """How many lesions lie in an organ: left and right together, lymph nodes together."""

    organ = serializers.CharField(allow_blank=True, help_text="Empty: nobody named it.")
    count = serializers.IntegerField()


class TargetChoiceSerializer(serializers.Serializer[Any]):
    """What lesions would be together as targets."""

    organs = OrganCountSerializer(many=True)
    problems = serializers.ListField(child=serializers.ChoiceField(choices=words(SelectionError)))


class ConfirmSerializer(serializers.Serializer[Any]):
    """That a proposal is right; of a new lesion also how sure the reader is that it is one."""

    certainty = serializers.ChoiceField(choices=words(Certainty), required=False)
    seen = serializers.ChoiceField(choices=words(LesionState), required=False, help_text=SEEN)


class StateSerializer(serializers.Serializer[Any]):
    """What is to be seen of a lesion on a date."""

    state = serializers.ChoiceField(choices=words(STATED))
    merged_into_id = serializers.UUIDField(required=False, allow_null=True)
    is_unequivocal_progression = serializers.BooleanField(required=False, default=False)
    note = serializers.CharField(
        max_length=300, allow_blank=True, required=False, help_text="Left out: an earlier one stays."
    )
    seen = serializers.ChoiceField(choices=words(LesionState), required=False, allow_blank=True, help_text=SEEN)


class PartSeenSerializer(serializers.Serializer[Any]):
    """Where the part was on screen; 409 where it is elsewhere by now."""

    revision_id = serializers.UUIDField()
    lesion_id = serializers.UUIDField()


class AssignSerializer(serializers.Serializer[Any]):
    """Which lesion a marked part is."""

    component = serializers.ListField(
        child=serializers.IntegerField(min_value=1), min_length=2, max_length=2, help_text="[segment, lesion number]"
    )
    lesion_id = serializers.UUIDField(allow_null=True, help_text="Null: a new lesion of its own.")
    seen = PartSeenSerializer(required=False)
