"""What every environment shares."""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF

from segweb.settings import env

BASE_DIR = env.ROOT
SEGWEB_DATA_DIR = env.DATA_DIR
SEGWEB_IDLE_TIMEOUT_S = env.IDLE_TIMEOUT_S
SEGWEB_PROXY_COUNT = env.PROXY_COUNT  # own proxies whose X-Forwarded-For entry is believed
SEGWEB_MAX_UPLOAD_BYTES = env.MAX_UPLOAD_BYTES
SEGWEB_MOST_JOBS_PER_PERSON = env.MOST_JOBS_PER_PERSON
SEGWEB_MOST_JOBS_PER_TEAM = env.MOST_JOBS_PER_TEAM
SEGWEB_FRONTEND_DIST = BASE_DIR / "frontend" / "dist"

SECRET_KEY = env.SECRET_KEY
ALLOWED_HOSTS = env.ALLOWED_HOSTS
CSRF_TRUSTED_ORIGINS = env.TRUSTED_ORIGINS
ROOT_URLCONF = "segweb.urls"
ASGI_APPLICATION = "segweb.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "studies.User"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

INSTALLED_APPS = [
    "segweb.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "axes",
    "csp",
    "studies.apps.StudiesConfig",
    "inference.apps.InferenceConfig",
    "segweb.apps.SegwebConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "segweb.idle.IdleSignOutMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES: dict[str, dict[str, Any]] = {"default": env.read_database()}

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AXES_VERBOSE = False
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the stated waiting time holds
AXES_CLIENT_IP_CALLABLE = "studies.permissions.client_address"
AXES_LOCKOUT_CALLABLE = "studies.api.problems.lockout_response"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False  # lockouts are ended on the page of the person
AXES_DISABLE_ACCESS_LOG = True  # the audit trail keeps sign-ins

CSRF_FAILURE_VIEW = "studies.api.problems.csrf_failure"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 3600  # a row nobody uses is worthless long before: see segweb.idle
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, "'wasm-unsafe-eval'"],  # the pixel codecs are WebAssembly
        "style-src": [SELF],
        "style-src-attr": ["'unsafe-inline'"],  # positions computed per frame; no style element is allowed
        "img-src": [SELF, "blob:", "data:"],
        "connect-src": [SELF],
        "worker-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

CELERY_BROKER_URL = env.BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 6 * 3600,  # above the longest job
    "max_retries": 0,  # whoever enqueues learns at once that the broker is away
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "record"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [env.channel_layer_host(env.BROKER_URL)]},
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["studies.permissions.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["studies.permissions.RoleAllowsMethod"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "studies.api.schema.AddressSchema",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "studies.api.negotiation.AcceptWhatWeSend",
    "URL_FORMAT_OVERRIDE": None,  # ?format= names the export's format
    "EXCEPTION_HANDLER": "studies.api.problems.problem_response",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SegWeb",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SCHEMA_PATH_PREFIX": "/api",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "studies.api.problems.describe_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "RoleName": "studies.models.Role",
        "SegmentationStateName": "studies.models.SegmentationState",
        "GateOutcomeName": "studies.models.GateOutcome",
        "GeometryVerdictName": "studies.models.GeometryVerdict",
        "UploadStateName": "studies.models.UploadState",
        "ResponseCategory": "studies.api.assessment_serializers.CATEGORIES",
        "CriterionName": "studies.api.assessment_serializers.CRITERIA",
        "ExplanationMethodName": "inference.api.jobs.METHODS",
        "JobStateName": "inference.api.jobs.STATES",
        "EvaluationStateName": "inference.models.EvaluationState",
        "EvaluationVerdictName": "inference.api.evaluation_serializers.VERDICTS",
        "ModelImportStateName": "inference.models.ModelImportState",
        "MethodEnum": "inference.api.model_serializers.METHODS",
        "TrendName": "studies.api.tracking_serializers.TRENDS",
    },
}

STATIC_URL = "/static/"
STATIC_ROOT = SEGWEB_DATA_DIR / "static"
STATICFILES_DIRS = [SEGWEB_FRONTEND_DIST / "static"] if (SEGWEB_FRONTEND_DIST / "static").is_dir() else []
WHITENOISE_USE_FINDERS = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024**2  # a label map patch, run-length coded

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"highdicom": {"level": "WARNING"}},  # it tells of every module it copies
}
