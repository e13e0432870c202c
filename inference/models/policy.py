"""What administrators lay down for jobs: what runs by itself on which images, and how much may be asked for."""

from __future__ import annotations

import uuid

from django.db import models

from studies.models import Series, Team, User

RULE_WORDS = 400
"""Characters of a list of words in a rule."""


class RoutingRule(models.Model):
    """Images of a kind are segmented by a model before anybody opens them. Empty conditions hold for everything."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(max_length=120)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    """Whose studies it is for; None is every team's."""
    modality = models.CharField(max_length=16)
    body_part = models.CharField(max_length=RULE_WORDS, blank=True, default="")
    """Phrases between commas: one of them stands, in whole words and whatever its case, in BodyPartExamined or in the
    study's or series' description."""
    weighting = models.CharField(max_length=16, blank=True, default="")
    """`studies.tracking.acquisition_facts.Weighting` that the header or description must tell."""
    has_contrast = models.BooleanField(null=True, blank=True)
    """Whether a contrast agent must, or must not, have been given; None asks nothing."""
    description = models.CharField(max_length=RULE_WORDS, blank=True, default="")
    """Alternatives between commas: each word of one of them begins a word of the series' description."""
    excluded = models.CharField(max_length=RULE_WORDS, blank=True, default="")
    """Phrases between commas of which none may stand in BodyPartExamined or in the series' description."""
    model_name = models.CharField(max_length=64)
    parameters = models.JSONField(default=dict, blank=True)
    is_enabled = models.BooleanField(default=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return self.title


class LaidDefault(models.Model):
    """A rule of `inference.default_rules` that was laid down once: what became of it since is an administrator's."""

    name = models.CharField(primary_key=True, max_length=64)
    laid_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class RoutingNote(models.Model):
    """What the rules made of a series: that they were asked, so that a lost message or a full team is made good."""

    series = models.OneToOneField(Series, on_delete=models.CASCADE, primary_key=True, related_name="routing_note")
    contents_digest = models.CharField(max_length=64, blank=True, default="")
    """`Series.contents_digest` when it last settled and the rules were asked; empty while that is still to come."""
    is_postponed = models.BooleanField(default=False)
    """Whether a rule asks for something and its team had no room for it."""
    reminders = models.PositiveSmallIntegerField(default=0)
    """Messages sent again since it last settled; bounded."""
    reminded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["is_postponed", "reminded_at"], name="routing_postponed")]

    def __str__(self) -> str:
        return f"{self.series_id} {'postponed' if self.is_postponed else 'routed'}"


class UsageLimit(models.Model):
    """How many jobs may wait or run at once, where a team needs other limits than the installation's settings."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, primary_key=True, related_name="+")
    most_per_person = models.PositiveIntegerField()
    """Jobs that one person may have waiting or running over this team's studies."""
    most_per_team = models.PositiveIntegerField()
    """Jobs over this team's studies, whoever asked for them."""

    def __str__(self) -> str:
        return f"{self.team}: {self.most_per_person} a person, {self.most_per_team} in all"
