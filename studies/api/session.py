"""Who is signed in: /api/session."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.middleware.csrf import get_token
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from studies.api.briefs import TeamBriefSerializer
from studies.api.problems import CONTENT_TYPE, ProblemSerializer
from studies.models import Role, User
from studies.permissions import IsSignedIn, SignInAuthentication
from studies.services import people


class SessionUserSerializer(serializers.Serializer[User]):
    """The person as the page needs to know them."""

    id = serializers.IntegerField()
    username = serializers.CharField()
    full_name = serializers.CharField(source="get_full_name")
    role = serializers.ChoiceField(choices=Role.choices)
    teams = TeamBriefSerializer(many=True, source="teams.all")
    must_change_password = serializers.BooleanField()


class SessionSerializer(serializers.Serializer[Any]):
    """Whether somebody is signed in, and who."""

    is_authenticated = serializers.BooleanField()
    user = SessionUserSerializer(allow_null=True)
    idle_timeout_s = serializers.IntegerField(help_text="Seconds without an act of the person until sign-out.")


class SignInSerializer(serializers.Serializer[Any]):
    """What a person types to sign in."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)


class PasswordChangeSerializer(serializers.Serializer[Any]):
    """The password in use and the one to come."""

    current_password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)
    new_password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)


def _describe_session(request: Request) -> dict[str, Any]:
    user: User | AnonymousUser = request._request.user
    get_token(request._request)  # sets the cookie that the page must repeat in X-CSRFToken
    body = {
        "is_authenticated": user.is_authenticated,
        "user": user if user.is_authenticated else None,
        "idle_timeout_s": settings.SEGWEB_IDLE_TIMEOUT_S,
    }
    return SessionSerializer(body).data


class SessionView(APIView):
    """Sign in, sign out, ask who is signed in."""

    authentication_classes = [SignInAuthentication]
    permission_classes = [AllowAny]

    @extend_schema(responses=SessionSerializer)
    def get(self, request: Request) -> Response:
        """Say who is signed in; open to everybody."""
        return Response(_describe_session(request))

    @extend_schema(
        request=SignInSerializer,
        responses={
            200: SessionSerializer,
            (401, CONTENT_TYPE): ProblemSerializer,
            (429, CONTENT_TYPE): ProblemSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        """Sign in under a new session key. The CSRF token is asked of strangers too."""
        SignInAuthentication().enforce_csrf(request)
        credentials = SignInSerializer(data=request.data)
        credentials.is_valid(raise_exception=True)
        people.sign_in(request._request, **credentials.validated_data)
        return Response(_describe_session(request))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Sign out."""
        people.end_session(request._request)
        forget_pixels = {"Clear-Site-Data": '"cache"'}  # on a shared workstation the next person starts empty
        return Response(status=status.HTTP_204_NO_CONTENT, headers=forget_pixels)


class PasswordView(APIView):
    """Change one's own password."""

    authentication_classes = [SignInAuthentication]
    permission_classes = [IsSignedIn]

    @extend_schema(request=PasswordChangeSerializer, responses=SessionSerializer)
    def post(self, request: Request) -> Response:
        """Replace the password; the other sessions of the person end."""
        passwords = PasswordChangeSerializer(data=request.data)
        passwords.is_valid(raise_exception=True)
        people.change_password(request._request, **passwords.validated_data)
        return Response(_describe_session(request))


urlpatterns = [
    path("session", SessionView.as_view()),
    path("session/password", PasswordView.as_view()),
]
