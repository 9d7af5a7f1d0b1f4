"""Faults of moto 5.2.5, mended in this process: what would refuse a right program, or cost much for nothing."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any, Final

import moto.kms.models
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.kms.utils import KeySpec
from moto.s3.models import FakeBucket

_LOGGING: Final = "logging.s3.amazonaws.com"

_KMS: Final[Any] = moto.kms.models
_generate_private_key: Final = _KMS.generate_private_key


def apply() -> None:
    """Mend them; to do so twice changes nothing."""
    # moto fails at `"Principal": "*"` in the target's policy, and wants the statement spelt in one of three ways.
    FakeBucket._log_permissions_enabled_policy = staticmethod(_may_log)  # noqa: SLF001 it has no other seam
    # moto passes over the conditions of a bucket policy, so that one that demands TLS keeps everybody out.
    FakeBucket.get_permission = _permission
    # moto makes an RSA key, in some 40 ms, for symmetric keys too, which can neither sign nor verify.
    _KMS.generate_private_key = _private_key


def _permission(self: FakeBucket, action: str, resource: str) -> Any:
    """What the statements without conditions say; whether a condition holds is not known here."""
    if self.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(self.policy.decode())
    plain = [statement for statement in policy["Statement"] if "Condition" not in statement]
    if not plain:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps({**policy, "Statement": plain})).is_action_permitted(action, resource)


def _private_key(key_spec: str) -> Any:
    asymmetric = key_spec in (*KeySpec.rsa_key_specs(), *KeySpec.ecc_key_specs())
    return _generate_private_key(key_spec) if asymmetric else None


def _may_log(target_bucket: Any, target_prefix: str | None) -> bool:
    """Whether the target bucket's policy lets S3 deliver server access logs under the prefix."""
    if not target_bucket.policy:
        return False
    written = f"arn:{target_bucket.partition}:s3:::{target_bucket.name}/{target_prefix or ''}log"
    return any(
        statement.get("Effect") == "Allow"
        and _LOGGING in _listed(_service(statement.get("Principal")))
        and any(fnmatchcase("s3:PutObject", action) for action in _listed(statement.get("Action")))
        and any(fnmatchcase(written, resource) for resource in _listed(statement.get("Resource")))
        for statement in json.loads(target_bucket.policy.decode())["Statement"]
    )


def _service(principal: Any) -> Any:
    return principal.get("Service") if isinstance(principal, dict) else None


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []
