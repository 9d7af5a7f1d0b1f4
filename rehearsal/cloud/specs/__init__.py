"""The specs of all resource types that the rehearsal can create, one file per AWS service."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Final

from rehearsal.cloud.creation import Spec

SPECS: Final[dict[str, Spec]] = {}
for _module in pkgutil.iter_modules(__path__):
    SPECS.update(importlib.import_module(f"{__name__}.{_module.name}").SPECS)
