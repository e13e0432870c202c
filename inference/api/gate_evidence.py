"""What a model's quality gate did with good and spoiled images, as its card shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class SpoiledKindSerializer(serializers.Serializer[Any]):
    """One way to spoil images."""

    kind = serializers.CharField(help_text="As noise_alone, inverted or other_modality.")
    cases = serializers.IntegerField()
    mean_dice = serializers.FloatField(
        allow_null=True, help_text="Observed; null where nothing of what was outlined is left to see."
    )
    turned_away = serializers.IntegerField(help_text="Cases that need eyes, or were refused before the network.")
    share_at_1 = serializers.FloatField(help_text="Share told apart at 1 % false alarms.")
    share_at_5 = serializers.FloatField(help_text="Share told apart at 5 % false alarms.")
    codes = serializers.DictField(
        child=serializers.IntegerField(), help_text="How often each reason was given, over all segments."
    )


class AbstentionPointSerializer(serializers.Serializer[Any]):
    """A point of the abstention curve."""

    abstained = serializers.FloatField(help_text="Share of cases left to a person, those of the lowest predicted Dice.")
    mean_dice = serializers.FloatField(help_text="Of the others.")


class GateTrialsSerializer(serializers.Serializer[Any]):
    """Cases that decided nothing, as they are and spoiled, put before the gate."""

    cases = serializers.IntegerField()
    turned_away = serializers.IntegerField(help_text="As they are.")
    good_cases = serializers.IntegerField(help_text="With a Dice of at least `least_dice`.")
    turned_away_good = serializers.IntegerField()
    turned_away_bad = serializers.IntegerField()
    least_dice = serializers.FloatField()
    prediction_error = serializers.FloatField(
        allow_null=True, help_text="Mean absolute difference of predicted and observed Dice."
    )
    kinds = SpoiledKindSerializer(many=True)
    curve = AbstentionPointSerializer(many=True)


def describe_gate_trials(trials: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `inference.training.gate_testing.describe_trials` wrote as the card shows it."""
    kinds = [
        {**kind, "share_at_1": kind["turned_away_at"]["0.01"], "share_at_5": kind["turned_away_at"]["0.05"]}
        for kind in trials["kinds"]
    ]
    return {**trials, "kinds": kinds}
