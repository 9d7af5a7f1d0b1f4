"""KMS keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, aws, json_of, rule, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource

_ROOT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}
# What may narrow down "anyone" to the own account or organisation in a key's policy.
_OWN_ACCOUNT = {"kms:calleraccount", "aws:sourceaccount", "aws:principalaccount", "aws:principalorgid", "aws:sourcearn"}


A_KEY = aws("kms/key:Key", name="key")
"""For examples of stacks with keys of their own."""


def uses_own_keys(at: Context) -> bool:
    """Whether data of the stack should be under a key of ours: in production, and where there is one."""
    return not at.stack.free_tier and (at.stack.is_prod or any(True for _ in at.graph.of_kind(types.KMS_KEY)))


@rule(
    id="kms-rotation",
    title="Customer-managed keys rotate automatically",
    types=(types.KMS_KEY,),
    level=MANDATORY,
    severity="medium",
    topics=("at rest",),
    references=("A", "P", "N-KMS5", "C7", "F KMS.4"),
    remedy="Set enableKeyRotation to true.",
    remediate=lambda _key, _at: {"enableKeyRotation": True},
)
def kms_rotation(key: Resource, _at: Context) -> Iterator[str]:
    """Symmetric encryption keys need `enableKeyRotation`; AWS cannot rotate asymmetric and HMAC keys by itself."""
    symmetric = key.props.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
    encrypts = key.props.get("keyUsage", "ENCRYPT_DECRYPT") == "ENCRYPT_DECRYPT"
    if symmetric and encrypts and not key.props.get("enableKeyRotation"):
        yield "automatic rotation is off"


kms_rotation.examples(
    compliant=[
        aws("kms/key:Key", {"enableKeyRotation": True}),
        aws("kms/key:Key", {"keyUsage": "SIGN_VERIFY", "customerMasterKeySpec": "ECC_NIST_P256"}),
    ],
    non_compliant=[
        aws("kms/key:Key", {"description": "data", "keyUsage": "ENCRYPT_DECRYPT"}),
        aws("kms/key:Key", {"enableKeyRotation": False, "customerMasterKeySpec": "SYMMETRIC_DEFAULT"}),
    ],
)


@rule(
    id="kms-policy-not-public",
    title="No key policy lets anyone use the key",
    types=(types.KMS_KEY, types.KEY_POLICY),
    level=MANDATORY,
    severity="critical",
    topics=("at rest", "IAM"),
    references=("C33", "F KMS.5"),
    remedy="Name the principals, or add a condition on kms:CallerAccount or aws:PrincipalOrgID.",
)
def kms_policy_not_public(key: Resource, _at: Context) -> Iterator[str]:
    """An Allow for every principal needs a condition that keeps it to the own account, organisation or a source."""
    for statement in statements(key.props, "policy"):
        if statement.allows and statement.is_for_anyone and statement.narrowed_by.isdisjoint(_OWN_ACCOUNT):
            yield "the key's policy allows every principal of every account"


kms_policy_not_public.examples(
    compliant=[
        aws("kms/key:Key", {"policy": json_of(_ROOT)}),
        aws(
            "kms/keyPolicy:KeyPolicy",
            {
                "keyId": "example",
                "policy": json_of(
                    _ROOT,
                    {
                        "Effect": "Allow",
                        "Principal": "*",
                        "Action": "kms:Decrypt",
                        "Resource": "*",
                        "Condition": {"StringEquals": {"kms:CallerAccount": "123456789012"}},
                    },
                ),
            },
        ),
    ],
    non_compliant=[
        aws("kms/key:Key", {"policy": json_of({**_ROOT, "Principal": "*"})}),
        aws("kms/keyPolicy:KeyPolicy", {"policy": json_of({**_ROOT, "Principal": {"AWS": ["*"]}})}),
    ],
)
