"""The Celery application: web enqueues through it, workers run it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "segweb.settings")

app = Celery("segweb")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
