"""The master user of a database, kept in an encrypted parameter: free, where a secret is $0.40 a month.

Use: password = MasterPassword("wiki-dev-database-password", MasterPasswordArgs(parameter="/wiki/dev/database/master"))
     Postgres("wiki-dev-database", PostgresArgs(…), network=network, password=password)

It does not change by itself. `pulumi up --replace` of the parameter makes a new one and gives it to the database in the
same update; who had read the old one reads again. Why and when: docs/decisions/0011-a-password-without-a-secret.md.
"""

from __future__ import annotations

import json
from typing import Annotated

import pulumi
import pulumi_aws as aws

from ..args import ComponentArgs
from ..component import Component
from ..identity.key import AnyKey
from ..policy import statement
from ..random_text import random_text
from ..values import text


class MasterPasswordArgs(ComponentArgs):
    """A master user. A standard parameter and its reading are free."""

    parameter: Annotated[
        str, text(r"(/[A-Za-z0-9_.-]+)+", "write the name of a parameter, such as '/wiki/dev/database/master'")
    ]
    """The name of the parameter, such as `/wiki/dev/database/master`."""

    user: str = "dbadmin"
    """The master user."""


class MasterPassword(Component):
    """A random password beside the name of its user, as JSON with `username` and `password`."""

    CHILDREN = ("parameter", "grant")

    arn: pulumi.Output[str]
    """The parameter's."""
    user: str
    password: pulumi.Output[str]
    """A secret, for the database alone."""

    def __init__(
        self,
        name: str,
        args: MasterPasswordArgs,
        *,
        key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param key: What encrypts it. Without one, the key that AWS manages for Systems Manager in the account.
        """
        super().__init__(name, args, opts)
        self._key = key
        made = random_text(48, self)
        login = pulumi.Output.json_dumps({"password": made, "username": args.user}, sort_keys=True)
        parameter = aws.ssm.Parameter(
            f"{name}-parameter",
            name=args.parameter,
            type="SecureString",
            key_id=key.arn if key else None,
            value=pulumi.Output.secret(login),
            description=f"The user {args.user} and its password",
            opts=self._child("parameter", ignore_changes=["value"]),
        )
        self.arn, self.user = parameter.arn, args.user
        # What the parameter holds and not `made`: after a run that failed half-way the two differ.
        self.password = pulumi.Output.secret(parameter.value.apply(_password_in))
        self.register_outputs({"arn": self.arn})

    def grant_read(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` read it, and nothing more."""
        statements = [statement("ReadThePassword", actions="ssm:GetParameter", resources=self.arn)]
        if self._key is not None:
            statements.append(
                statement(
                    "DecryptThePassword",
                    actions="kms:Decrypt",
                    resources=self._key.arn,
                    # The key protects more than the password; this role gets no further by way of it.
                    condition={"StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": self.arn}},
                )
            )
        return self._allow(role, "read", *statements)


def _password_in(login: str | None) -> str:
    # Nothing is known of a parameter that a preview would make.
    return json.loads(login)["password"] if login else ""
