"""All settings, driven by the environment; ``.env.example`` lists every variable with its reason."""

from __future__ import annotations

from pathlib import Path

import environ
import structlog
from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.templatetags.static import static
from django.urls import reverse_lazy

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()

HOME = Path(env.str("TUTORSCORE_HOME", default=str(BASE_DIR / ".state")))
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
SECRET_KEY = env.str("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
BASE_URL = env.str("BASE_URL", default="http://localhost:8000")

INSTALLED_APPS = [
    "tutorscore.front",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "tutorscore.front.admin_config.ManagerAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "anymail",
    "csp",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "rest_framework",
    "rest_framework_api_key",
    "tutorscore.lib",
    "tutorscore.accounts",
    "apps.tutors",
    "apps.sessions",
    "apps.predictions",
    "apps.matching",
    "apps.alerts",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tutorscore.front.request_log.RouteLogMiddleware",
    "tutorscore.front.access.AccessMiddleware",
    "tutorscore.front.zones.ZoneMiddleware",
]

ROOT_URLCONF = "tutorscore.urls"
WSGI_APPLICATION = "tutorscore.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tutorscore.front.context.shell",
            ],
        },
    },
]

# Data -----------------------------------------------------------------------------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL")}
DATABASES["default"] |= {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=60),
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        "options": f"-c statement_timeout={env.int('DATABASE_STATEMENT_TIMEOUT_MS', default=0)} -c timezone=UTC",
        "connect_timeout": 10,
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.str("REDIS_URL")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
ARTIFACT_DIR = Path(env.str("ARTIFACT_DIR", default=str(BASE_DIR / "ml_artifacts")))

# People ---------------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "tutorscore.accounts.backends.RoleBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "today"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "tutorscore.accounts.adapters.StaffAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
STAFF_MUST_USE_MFA = env.bool("STAFF_MUST_USE_MFA", default=False)
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

# Security -------------------------------------------------------------------------------------------------------------

HTTPS = env.bool("HTTPS", default=not (DEBUG or DEMO))
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^ready$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-src": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}
# Routes that need another policy name it in ``front.access``. Unfold evaluates Alpine expressions and writes inline
# styles; a rendered mail carries its styles with it and may do nothing else; Swagger UI starts from an inline script.
CONTENT_SECURITY_POLICIES = {
    "admin": CONTENT_SECURITY_POLICY["DIRECTIVES"]
    | {"script-src": [SELF, UNSAFE_EVAL, NONCE], "style-src": [SELF, UNSAFE_INLINE]},
    "mail": {
        "default-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        "img-src": ["data:"],
        "frame-ancestors": [SELF],
        "sandbox": [True],
    },
    "docs": CONTENT_SECURITY_POLICY["DIRECTIVES"]
    | {"script-src": [SELF, UNSAFE_INLINE], "style-src": [SELF, UNSAFE_INLINE]},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# Pages ----------------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(HOME / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Admin ----------------------------------------------------------------------------------------------------------------


def _admin_link(title: str, icon: str, model: str) -> dict[str, object]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}


UNFOLD = {
    "SITE_TITLE": "TutorScore admin",
    "SITE_HEADER": "TutorScore",
    "SITE_SUBHEADER": "Admin for success managers",
    "SITE_SYMBOL": "bar_chart",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("tutorscore/icon.svg")}],
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {
        "primary": {
            "50": "#eeeefb",
            "100": "#e0e1f8",
            "200": "#c6c8f2",
            "300": "#a9b0ff",
            "400": "#7d85e6",
            "500": "#5961d6",
            "600": "#3f47b0",
            "700": "#363c96",
            "800": "#2c3178",
            "900": "#212341",
            "950": "#16182f",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            {
                "title": "Dashboards",
                "items": [
                    {"title": "Today", "icon": "today", "link": reverse_lazy("today"), "active": False},
                ],
            },
            {
                "title": "Tutors and scores",
                "separator": True,
                "items": [
                    _admin_link("Tutors", "school", "tutors_tutor"),
                    _admin_link("Scores", "speed", "predictions_tutorscore"),
                    _admin_link("Score changes", "history", "predictions_scorechange"),
                    _admin_link("Priors", "balance", "predictions_metricprior"),
                ],
            },
            {
                "title": "Facts",
                "separator": True,
                "items": [
                    _admin_link("Sessions", "event", "tutoring_sessions_tutoringsession"),
                    _admin_link("Students", "groups", "tutoring_sessions_student"),
                    _admin_link("Reschedules", "event_repeat", "tutoring_sessions_reschedule"),
                    _admin_link("Feedback", "star", "tutoring_sessions_feedback"),
                    _admin_link("Rejected rows", "report", "tutoring_sessions_rejectedrow"),
                    _admin_link("Deliveries of facts", "input", "tutoring_sessions_ingestrun"),
                ],
            },
            {
                "title": "Models",
                "separator": True,
                "items": [
                    _admin_link("Model versions", "model_training", "predictions_modelversion"),
                    _admin_link("Performance", "monitoring", "predictions_performancelog"),
                    _admin_link("Predictions", "insights", "predictions_prediction"),
                    _admin_link("Outcomes", "fact_check", "predictions_outcome"),
                ],
            },
            {
                "title": "Alerts and mails",
                "separator": True,
                "items": [
                    _admin_link("Alerts", "notifications", "alerts_alert"),
                    _admin_link("Deliveries", "outbox", "alerts_delivery"),
                    _admin_link("Experiments", "science", "alerts_experiment"),
                    _admin_link("Assignments", "shuffle", "alerts_assignment"),
                ],
            },
            {
                "title": "House",
                "separator": True,
                "items": [
                    _admin_link("Staff", "badge", "accounts_user"),
                    _admin_link("Partners", "handshake", "accounts_partner"),
                    _admin_link("Partner keys", "key", "accounts_partnerkey"),
                    _admin_link("Schedules", "schedule", "django_celery_beat_periodictask"),
                    _admin_link("Job slots", "task_alt", "lib_jobslot"),
                ],
            },
        ],
    },
}

# API ------------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tutorscore.accounts.api.PartnerKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tutorscore.accounts.api.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tutorscore.lib.problems.answer_problem",
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.NamespaceVersioning",
    "DEFAULT_VERSION": "v1",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "TutorScore API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
DRF_STANDARDIZED_ERRORS = {"EXCEPTION_FORMATTER_CLASS": "tutorscore.lib.problems.ProblemFormatter"}

# Work -----------------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_BEAT_SCHEDULER = "tutorscore.lib.beat:OneBeatScheduler"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 270
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 900}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": 900}
CELERY_VISIBILITY_TIMEOUT = 900
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ROUTES = {"predictions.train*": {"queue": "train"}}

# Mail -----------------------------------------------------------------------------------------------------------------

EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="apps.alerts.channels.OutboxFileBackend")
EMAIL_FILE_PATH = env.str("EMAIL_FILE_PATH", default=str(HOME / "mails"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Your tutoring team <team@tutorscore.example>")
ANYMAIL = env.dict("ANYMAIL", default={})

# Logs -----------------------------------------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "key_value": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "processor": structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event", "logger"]),
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "key_value"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
