"""Choose the settings by SEGWEB_ENVIRONMENT: development, test or production."""

from importlib import import_module

from segweb.settings.env import ENVIRONMENT

globals().update({k: v for k, v in vars(import_module(f"segweb.settings.{ENVIRONMENT}")).items() if k.isupper()})
