"""How the images of one date lie over those of another."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import studies.models.registration


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0005_modality_words"),
    ]

    operations = [
        migrations.CreateModel(
            name="SeriesRegistration",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("prior_contents_digest", models.CharField(max_length=64)),
                ("current_contents_digest", models.CharField(max_length=64)),
                ("algorithm_version", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Waiting or running"), ("done", "Done"), ("failed", "Failed")],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("prior_to_current_mm", models.JSONField(default=studies.models.registration._identity)),
                ("rigid_mm", models.JSONField(default=studies.models.registration._identity)),
                ("residual_mm", models.FloatField(blank=True, null=True)),
                ("overlap", models.FloatField(default=0.0)),
                ("confidence", models.FloatField(default=0.0)),
                ("problems", models.JSONField(blank=True, default=list)),
                ("reason_code", models.CharField(blank=True, default="", max_length=64)),
                ("reason", models.TextField(blank=True, default="")),
                ("nudge_mm", models.JSONField(default=studies.models.registration._no_nudge)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "current_series",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="registrations_as_current",
                        to="studies.series",
                    ),
                ),
                (
                    "nudged_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "prior_series",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="registrations_as_prior",
                        to="studies.series",
                    ),
                ),
            ],
            options={
                "ordering": ("created_at",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "prior_series",
                            "current_series",
                            "prior_contents_digest",
                            "current_contents_digest",
                            "algorithm_version",
                        ),
                        name="registration_once_per_contents",
                    )
                ],
            },
        ),
    ]
