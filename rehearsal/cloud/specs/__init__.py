"""The specs of all resource types that the rehearsal can create, one file per AWS service."""

from __future__ import annotations

from typing import Final

from rehearsal.cloud.creation import Spec
from rehearsal.cloud.specs import ec2, iam, kms, logs, rds, s3

SPECS: Final[dict[str, Spec]] = {**ec2.SPECS, **iam.SPECS, **kms.SPECS, **logs.SPECS, **rds.SPECS, **s3.SPECS}
