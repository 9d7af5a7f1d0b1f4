"""All rules: those of every file here, in the order of their names, and in each as they stand there."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from guardrails.kit import Rule

MODULES = tuple(import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__))

RULES = tuple(each for module in MODULES for each in vars(module).values() if isinstance(each, Rule))
