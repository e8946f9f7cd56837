"""All settings, from the environment (see .env.example).

A bad value stops the start with a sentence that says what to do.
"""

import re
from typing import Any
from urllib.parse import quote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from loyalty_site.back_office import UNFOLD as UNFOLD
from loyalty_site.environment import BASE_DIR, VAR_DIR, env, flag, uses_embedded_postgres, uses_embedded_redis

# --- the process -------------------------------------------------------------------------------------------------

DEBUG: bool = flag("DEBUG", default=True)

SECRET_KEY: str = env.str("SECRET_KEY", default="development-only-" + "x" * 40 if DEBUG else "")
if not DEBUG and (len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10 or SECRET_KEY.startswith("development-only")):
    raise ImproperlyConfigured(
        "SECRET_KEY is missing or weak: set it to at least 50 random characters, for example the output of "
        'python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
    )

# Where customers reach the site; links in mails begin with it.
BASE_URL: str = env.str("BASE_URL", default="http://127.0.0.1:8000" if DEBUG else "").rstrip("/")
if DEBUG and urlsplit(BASE_URL).scheme == "https":
    raise ImproperlyConfigured(f"DEBUG is on, but {BASE_URL} is a public address: set DEBUG=off.")
if not DEBUG and urlsplit(BASE_URL).scheme != "https":
    raise ImproperlyConfigured(f"BASE_URL must begin with https:// when DEBUG is off (it is {BASE_URL!r}).")

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if DEBUG else [])
if not DEBUG and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS):
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the site's host names when DEBUG is off; * is refused.")

WSGI_APPLICATION = "loyalty_site.wsgi.application"
ROOT_URLCONF = "loyalty_site.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- apps --------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "loyalty_site.apps.LoyaltySiteConfig",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "ninja",  # its page of docs then loads nothing from elsewhere
    "pgtrigger",
    "phonenumber_field",
    "customers",
    "rewards",
    "surveys",
]

MIDDLEWARE = [
    "loyalty_site.middleware.problems_under_api",
    "django.middleware.security.SecurityMiddleware",
    "loyalty_site.middleware.content_security_policy",
    "loyalty_site.middleware.readable_query",
    "loyalty_site.middleware.straight_to_api",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "loyalty_site.middleware.program_time_zone",
    "loyalty_site.middleware.signed_in_customer",
    "loyalty_site.middleware.AgainWhenMerged",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "loyalty_site.context.program",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- PostgreSQL --------------------------------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]]
if uses_embedded_postgres():
    from loyalty_site import embedded

    DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", **embedded.database_settings(VAR_DIR)}}
else:
    DATABASES = {"default": env.db_url("DATABASE_URL")}
    if "postgresql" not in DATABASES["default"]["ENGINE"]:
        raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database: postgres://user:password@host/name")
DATABASES["default"].update(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)  # /readyz must not hang
# What loyalty_site.lib.statements sends is prepared at its first use (the number says from which on); nothing else is.
DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 0 if flag("DATABASE_PREPARES", default=True) else None

# --- Redis: the broker's wake-ups and the cache; nothing in it is the only copy -------------------------------------

if uses_embedded_redis():
    from loyalty_site import embedded

    _socket = quote(str(embedded.redis_socket(VAR_DIR)))
    CELERY_BROKER_URL = f"redis+socket://{_socket}?virtual_host=0"
    REDIS_CACHE_URL = f"unix://{_socket}?db=0"
else:
    CELERY_BROKER_URL = REDIS_CACHE_URL = env.str("REDIS_URL")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_CACHE_URL}}

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_connect_timeout": 2}
CELERY_TASK_PUBLISH_RETRY = False  # a lost wake-up is found by the timetable

# --- mail --------------------------------------------------------------------------------------------------------

# Without EMAIL_URL mails land in the built-in outbox, which the admin shows.
if env.str("EMAIL_URL", default=""):
    vars().update(env.email_url("EMAIL_URL"))
    if vars()["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
        EMAIL_BACKEND = "loyalty_site.lib.smtp.EmailBackend"  # Django's, which also tells what a lost connection means
else:
    EMAIL_BACKEND = "loyalty_site.outbox.OutboxBackend"
DEFAULT_FROM_EMAIL: str = env.str("DEFAULT_FROM_EMAIL", default="Loyalty Site <hello@example.org>")
EMAIL_TIMEOUT = 20
# Where customers answer the mails of a case; each case has an address of its own: care+17-<signature>@example.org.
CASE_ADDRESS: str = env.str("CASE_ADDRESS", default="")
if CASE_ADDRESS and not re.fullmatch(r"[A-Za-z0-9._-]{1,30}@[A-Za-z0-9.-]+", CASE_ADDRESS):
    raise ImproperlyConfigured(f"CASE_ADDRESS must be an e-mail address, care@example.org (it is {CASE_ADDRESS!r}).")

# Where servers tell what did not arrive; each mail has an address of its own: bounces+<its signed name>@example.org.
BOUNCE_ADDRESS: str = env.str("BOUNCE_ADDRESS", default="")
if BOUNCE_ADDRESS and not re.fullmatch(r"[A-Za-z0-9._-]{1,10}@[A-Za-z0-9.-]+", BOUNCE_ADDRESS):
    raise ImproperlyConfigured(
        f"BOUNCE_ADDRESS must be an e-mail address with at most 10 characters before the @ (it is {BOUNCE_ADDRESS!r})."
    )

# --- people ------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "customers.User"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # the e-mail is unique, whatever its capitals, by user_email_is_unique
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "loyalty_site.accounts.StaffAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
# How many reverse proxies stand in front: limits by network address count the one the outermost of them saw.
ALLAUTH_TRUSTED_PROXY_COUNT: int = env.int("TRUSTED_PROXIES", default=0)
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True  # who made the account knows whose address it is
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
LOGOUT_REDIRECT_URL = ACCOUNT_LOGOUT_REDIRECT_URL = reverse_lazy("account_login")

SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 30 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS: list[str] = [BASE_URL] if BASE_URL.startswith("https://") else []
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if not DEBUG:
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
    SECURE_HSTS_PRELOAD = flag("SECURE_HSTS_PRELOAD", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- tills -------------------------------------------------------------------------------------------------------

# How many calls a till may make in a minute.
TILL_RATE_PER_MINUTE: int = env.int("TILL_RATE_PER_MINUTE", default=1200)
if TILL_RATE_PER_MINUTE < 1:
    raise ImproperlyConfigured(f"TILL_RATE_PER_MINUTE must be at least 1 (it is {TILL_RATE_PER_MINUTE}).")

# --- languages and time ------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "loyalty_site" / "locale"]
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = "loyalty_site.formats"
TIME_ZONE: str = env.str("TIME_ZONE", default="UTC")
PHONENUMBER_DEFAULT_REGION: str | None = env.str("PHONE_REGION", default="") or None

# --- static and uploaded files -----------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG  # also in tests, which switch DEBUG off: each client would look through all files
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_TEMP_DIR = None

# --- the demo ----------------------------------------------------------------------------------------------------

# Direct sign-in links for the demo's people; never on in production.
LOYALTY_DEMO: bool = DEBUG and flag("LOYALTY_DEMO", default=True)

# --- log ---------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {"django.server": {"level": "WARNING"}, "django.db.backends": {"level": "WARNING"}},
}
