"""Secrets that nobody types: made at random, encrypted, read only by whom they are granted.

Use: args = SecretSetArgs(secrets={"session-key": Secret(description="Signs cookies")})
     secrets = SecretSet("wiki-dev-secrets", args)
     secrets.grant_read(task_role, "session-key")
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.children import Children, Transform
from components.identity.key import DECRYPT_ACTIONS
from components.policy import document, statement
from components.refusal import Refusal, nearest
from components.retention import Retention


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """A function that gives the secret a new value, and gives it to whoever else must know it."""

    function_arn: pulumi.Input[str]
    """The Lambda function; Secrets Manager must be permitted to call it."""

    days: int = 30
    """Days between two values, 1 to 1000."""

    def __post_init__(self) -> None:
        if not 1 <= self.days <= 1000:
            raise Refusal("rotation.days", self.days, "is not allowed; use 1 to 1000 days")


@dataclass(frozen=True, kw_only=True)
class Secret:
    """One secret."""

    description: str
    """What it is for; shown beside it in the console."""

    length: int | None = 48
    """Characters of the random value, 8 to 4096. None: it has no value until somebody outside puts one in, such as a
    token that another company issues."""

    rotation: Rotation | None = None
    """Change the value regularly."""

    def __post_init__(self) -> None:
        if self.length is not None and not 8 <= self.length <= 4096:
            raise Refusal("length", self.length, "is not allowed; use 8 to 4096 characters")


@dataclass(frozen=True, kw_only=True)
class SecretSetArgs:
    """What the caller decides about a set of secrets. Each costs $0.40 a month, and $0.05 for 10,000 readings."""

    secrets: Mapping[str, Secret]
    """The secrets by their names in this set."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key that encrypts them. Without one, the key that AWS manages for Secrets Manager in the account."""

    retention: Retention = "protected"
    """protected: what is deleted can be brought back for 30 days. ephemeral: it is gone at once."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        for name in self.secrets:
            if not re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", name):
                raise Refusal("secrets", name, "is not allowed; use lower-case letters, digits and hyphens")


class SecretSet(pulumi.ComponentResource):
    """Encrypted secrets with random values."""

    CHILDREN = ("secret", "version", "rotation", "grant")

    arns: Mapping[str, pulumi.Output[str]]
    """Name in this set → ARN, known only once the secret has its value."""

    def __init__(self, name: str, args: SecretSetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:data:SecretSet", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self.arns = {key: self._secret(key, secret) for key, secret in sorted(args.secrets.items())}
        self.register_outputs({"arns": dict(self.arns)})

    def grant_read(self, role: aws.iam.Role, *names: str) -> None:
        """Let `role` read these secrets of the set, and nothing more."""
        for name in names:
            if name not in self.arns:
                raise Refusal(
                    "names", name, f"is not in this set; {nearest(name, self.arns)}use {', '.join(sorted(self.arns))}"
                )
        arns = [self.arns[name] for name in sorted(names)]
        statements = [
            statement(
                "ReadTheseSecrets",
                actions=["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                resources=arns,
            )
        ]
        if self._args.key_arn is not None:
            statements.append(
                statement(
                    "DecryptTheseSecrets",
                    actions=DECRYPT_ACTIONS[0],
                    resources=self._args.key_arn,
                    # The key protects more than these; this role gets no further by way of it.
                    condition={"StringEquals": {"kms:EncryptionContext:SecretARN": arns}},
                )
            )
        aws.iam.RolePolicy(
            f"{self._prefix}-read-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(*statements),
            opts=self._child("grant"),
        )

    def _secret(self, key: str, secret: Secret) -> pulumi.Output[str]:
        # Named by Pulumi, with a suffix: AWS keeps the name of a deleted secret for up to 30 days.
        made = aws.secretsmanager.Secret(
            f"{self._prefix}-{key}-secret",
            description=secret.description,
            kms_key_id=self._args.key_arn,
            recovery_window_in_days=30 if self._args.retention == "protected" else 0,
            opts=self._child("secret"),
        )
        arn = made.arn
        if secret.length is not None:
            # Another value at every run, of which only the first is used.
            value = aws.secretsmanager.get_random_password_output(
                password_length=secret.length,
                exclude_punctuation=True,
                opts=pulumi.InvokeOptions(parent=self),
            ).random_password
            version = aws.secretsmanager.SecretVersion(
                f"{self._prefix}-{key}-version",
                secret_id=made.id,
                secret_string=pulumi.Output.secret(value),
                # Rotation, or a person, may have changed it since.
                opts=self._child("version", ignore_changes=["secret_string"]),
            )
            arn = pulumi.Output.all(made.arn, version.id).apply(lambda known: known[0])
        if secret.rotation is not None:
            aws.secretsmanager.SecretRotation(
                f"{self._prefix}-{key}-rotation",
                secret_id=arn,
                rotation_lambda_arn=secret.rotation.function_arn,
                rotation_rules=aws.secretsmanager.SecretRotationRotationRulesArgs(
                    automatically_after_days=secret.rotation.days
                ),
                opts=self._child("rotation"),
            )
        return arn
