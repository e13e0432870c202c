"""Behind a TLS proxy: secure cookies, HSTS, no default secret, hosts named."""

from django.core.exceptions import ImproperlyConfigured

from segweb.settings import env
from segweb.settings.base import *  # noqa: F403

DEBUG = False
if not env.ALLOWED_HOSTS:
    raise ImproperlyConfigured("SEGWEB_ALLOWED_HOSTS is empty. Name the host the portal is reached under.")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = env.BEHIND_TLS_PROXY
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
if env.BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
