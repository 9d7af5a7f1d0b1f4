"""The specs of all resource types that the rehearsal can create, one file per AWS service."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import Final

from rehearsal.cloud.creation import Spec

SPECS: Final[dict[str, Spec]] = {}
for _module in pkgutil.iter_modules(__path__):
    SPECS.update(importlib.import_module(f"{__name__}.{_module.name}").SPECS)

# The provider has several names for the same thing: modules that it renamed, and S3's former types.
_BALANCERS: Final = re.compile(r"^aws:(?:alb|applicationloadbalancing|elasticloadbalancingv2)/")
_S3_FORMER: Final = re.compile(r"^(aws:s3/\w+?)V2:(\w+)V2$")


def spec_of(type_: str) -> Spec | None:
    """How a resource of this type is created; None where the rehearsal does not know it."""
    return SPECS.get(type_) or SPECS.get(_S3_FORMER.sub(r"\1:\2", _BALANCERS.sub("aws:lb/", type_)))
