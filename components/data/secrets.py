"""Secrets that nobody types: made at random, encrypted, read only by whom they are granted.

Use: args = SecretSetArgs(secrets={"session-key": Secret(description="Signs cookies")})
     secrets = SecretSet("wiki-dev-secrets", args, key=key)
     secrets.grant_read(task_role, "session-key")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..args import Args, ComponentArgs
from ..component import Component
from ..errors import ArgumentError, nearest
from ..identity.key import DECRYPT_ACTIONS, AnyKey
from ..policy import statement
from ..random_text import random_text
from ..retention import Retention
from ..values import Name, text


class Rotation(Args):
    """A Lambda function that gives a secret a new value, and gives it to whoever else must know it."""

    function_arn: Annotated[str, text(r"arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:.+", "use the ARN of a function")]
    """The function; Secrets Manager must be permitted to call it."""

    days: Annotated[int, Field(ge=1, le=1000)] = 30
    """Days between two values."""


class Secret(Args):
    """A secret with a random value. $0.40 a month, and $0.05 for 10,000 readings."""

    description: str
    """What it is for; shown beside it in the console."""

    generate: bool = True
    """false: it has no value until somebody outside puts one in, such as a token that another company issues."""

    length: Annotated[int, Field(ge=8, le=4096)] = 48
    """Characters of the random value."""

    rotation: Rotation | None = None
    """Change the value regularly."""


class SecretSetArgs(ComponentArgs):
    """A set of secrets."""

    secrets: dict[Name, Secret]
    """The secrets by their names in this set."""

    retention: Retention = "protected"
    """protected: what is deleted can be brought back for 30 days. ephemeral: it is gone at once."""


class SecretSet(Component):
    """Encrypted secrets with random values."""

    CHILDREN = ("secret", "version", "rotation", "grant")

    arns: Mapping[str, pulumi.Output[str]]
    """Name in this set → ARN, known only once the secret has its value."""

    def __init__(
        self,
        name: str,
        args: SecretSetArgs,
        *,
        key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param key: What encrypts them. Without one, the key that AWS manages for Secrets Manager in the account.
        """
        super().__init__(name, args, opts)
        self._args, self._key = args, key
        self.arns = {key: self._secret(key, secret) for key, secret in sorted(args.secrets.items())}
        self.register_outputs({"arns": dict(self.arns)})

    def grant_read(self, role: aws.iam.Role, *names: str) -> aws.iam.RolePolicy:
        """Let `role` read these secrets of the set, and nothing more."""
        for name in names:
            if name not in self.arns:
                raise ArgumentError(
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
        if self._key is not None:
            statements.append(
                statement(
                    "DecryptTheseSecrets",
                    actions=DECRYPT_ACTIONS[0],
                    resources=self._key.arn,
                    # The key protects more than these; this role gets no further by way of it.
                    condition={"StringEquals": {"kms:EncryptionContext:SecretARN": arns}},
                )
            )
        return self._allow(role, "read", *statements)

    def _secret(self, key: str, secret: Secret) -> pulumi.Output[str]:
        # Named by Pulumi, with a suffix: AWS keeps the name of a deleted secret for up to 30 days.
        made = aws.secretsmanager.Secret(
            f"{self._prefix}-{key}-secret",
            description=secret.description,
            kms_key_id=self._key.arn if self._key else None,
            recovery_window_in_days=30 if self._args.retention == "protected" else 0,
            opts=self._child("secret"),
        )
        arn = made.arn
        if secret.generate:
            version = aws.secretsmanager.SecretVersion(
                f"{self._prefix}-{key}-version",
                secret_id=made.id,
                secret_string=random_text(secret.length, self),
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
