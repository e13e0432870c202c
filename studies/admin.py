"""The administrator's pages: people and teams to change, records of one's own teams and the audit trail to read."""

from __future__ import annotations

from typing import Any, cast

from axes.utils import reset as reset_failures
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from studies.models import AuditEntry, Patient, Role, Study, Team, TeamMembership, Upload, User
from studies.permissions import client_address, visible_patients, visible_teams
from studies.services import audit

admin.site.unregister(Group)  # roles and teams decide; Django's groups and permissions decide nothing


def _administrator(request: HttpRequest) -> User:
    return cast(User, request.user)  # the admin site lets nobody else in


class RecordedAdmin(admin.ModelAdmin):
    """Every change is written to the audit trail, in the transaction that makes it."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The site itself asks for the role."""
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The site itself asks for the role."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allowed unless a page says otherwise."""
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allowed unless a page says otherwise."""
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing of the record is deleted here."""
        return False

    def log_addition(self, request: HttpRequest, object_: models.Model, message: Any) -> Any:
        """Record what was added."""
        self._record(request, object_, "added", message)
        return super().log_addition(request, object_, message)

    def log_change(self, request: HttpRequest, object_: models.Model, message: Any) -> Any:
        """Record what was changed."""
        self._record(request, object_, "changed", message)
        return super().log_change(request, object_, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Record what is about to be removed."""
        for object_ in queryset:
            self._record(request, object_, "removed", [])
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, object_: models.Model, verb: str, message: Any) -> None:
        audit.record(
            act=f"{object_._meta.model_name}.{verb}",
            actor=_administrator(request),
            subject=object_,
            patient=object_ if isinstance(object_, Patient) else None,
            address=client_address(request),
            fields=_changed_fields(message),
        )


def _changed_fields(message: Any) -> list[str]:
    """Return the names of the changed fields, and of the kinds of lines added to or removed from a form; no values."""
    parts = message if isinstance(message, list) else []
    named: list[str] = []
    for part in parts:
        for verb, what in part.items():
            named += [str(field) for field in what.get("fields", ())] or [f"{verb} {what.get('name', '')}".strip()]
    return named


class ReadOnlyAdmin(RecordedAdmin):
    """Pages to look at."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is added here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is changed here."""
        return False


class MembershipInline(admin.TabularInline):
    """Who is in which team."""

    model = TeamMembership
    extra = 1

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As the page around it."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As the page around it."""
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As the page around it."""
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leaving a team is how access ends."""
        return True


class PersonCreationForm(AdminUserCreationForm):
    """A new person gets a password that they must replace when they first sign in."""

    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("username", "first_name", "last_name", "role")

    def save(self, commit: bool = True) -> Any:
        """Mark the password as somebody else's choice."""
        self.instance.must_change_password = True
        return super().save(commit=commit)


class PersonForm(UserChangeForm):
    """A person, without Django's own permission flags."""

    class Meta(UserChangeForm.Meta):
        model = User
        fields = (  # type: ignore[assignment]  # the stubs know "__all__" only
            *("username", "first_name", "last_name", "email"),
            *("role", "is_active", "must_change_password"),
        )

    def clean(self) -> dict[str, Any]:
        """Keep one administrator who can sign in."""
        cleaned = super().clean() or self.cleaned_data
        stays = cleaned.get("role") == Role.ADMINISTRATOR and cleaned.get("is_active")
        others = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).exclude(pk=self.instance.pk)
        if self.initial.get("role") == Role.ADMINISTRATOR and not stays and not others.exists():
            raise ValidationError("This is the last administrator. Make somebody else administrator first.")
        return cleaned


class PersonPasswordForm(AdminPasswordChangeForm):
    """A password set by an administrator lasts until the person next signs in."""

    def save(self, commit: bool = True) -> Any:
        """Mark the password as somebody else's choice."""
        self.user.must_change_password = True
        return super().save(commit=commit)


@admin.register(User)
class PersonAdmin(RecordedAdmin, UserAdmin):
    """People: never deleted, since the audit trail names them; switch them off instead."""

    form = PersonForm
    add_form = PersonCreationForm
    change_password_form = PersonPasswordForm
    inlines = (MembershipInline,)
    list_display = ("username", "first_name", "last_name", "role", "is_active", "last_login")
    list_filter = ("role", "is_active", "teams")
    search_fields = ("username", "first_name", "last_name")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    actions = ("end_lockout",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("role", "is_active", "must_change_password")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "first_name", "last_name", "role", "password1", "password2")}),)

    @admin.action(description="End a lockout after wrong passwords")
    def end_lockout(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Forget the wrong passwords of the chosen people."""
        for person in queryset:
            reset_failures(username=person.get_username())
            self._record(request, person, "lockout_ended", [])
        self.message_user(request, "They can try again now.")


@admin.register(Team)
class TeamAdmin(RecordedAdmin):
    """Care teams and their members."""

    list_display = ("name",)
    search_fields = ("name",)
    inlines = (MembershipInline,)


@admin.register(Patient)
class PatientAdmin(RecordedAdmin):
    """Patients of the administrator's own teams; here they are shared with another team, nothing else changes."""

    list_display = ("patient_name", "patient_id", "home_team")
    list_select_related = ("home_team",)
    search_fields = ("patient_name", "patient_id")
    fields = (
        *("patient_name", "patient_id", "issuer_of_patient_id", "patient_birth_date", "patient_sex"),
        *("is_synthetic", "home_team", "teams"),
    )
    readonly_fields = fields[:-1]
    filter_horizontal = ("teams",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Patient]:
        """Show what the administrator's teams see."""
        return visible_patients(_administrator(request)).order_by("patient_name", "patient_id")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Patients come with their images."""
        return False


@admin.register(Study)
class StudyAdmin(ReadOnlyAdmin):
    """Studies of the administrator's own teams."""

    list_display = ("patient", "study_description", "study_date", "modalities", "segmentation_state", "received_at")
    list_select_related = ("patient",)
    list_filter = ("segmentation_state",)
    search_fields = ("patient__patient_name", "patient__patient_id", "accession_number")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Study]:
        """Show what the administrator's teams see."""
        return Study.objects.filter(patient__in=visible_patients(_administrator(request)))


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    """What came through the door of the administrator's own teams."""

    list_display = ("file_name", "team", "created_by", "state", "reason", "created_at")
    list_select_related = ("team", "created_by")
    list_filter = ("state",)
    search_fields = ("file_name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Upload]:
        """Show what the administrator's teams see."""
        return Upload.objects.filter(team__in=visible_teams(_administrator(request)))


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """The audit trail: who, what, when, which patient, with which outcome."""

    list_display = ("sequence", "occurred_at", "actor", "act", "outcome", "subject_type", "patient_id", "address")
    list_filter = ("outcome",)
    search_fields = ("=actor", "=act", "=patient_id", "=subject_id")
    ordering = ("-sequence",)
    show_full_result_count = False
