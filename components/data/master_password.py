"""The master user of a database, kept in an encrypted parameter: free, where a secret is $0.40 a month.

Use: password = MasterPassword("wiki-dev-database-password", MasterPasswordArgs(parameter="/wiki/dev/database/master"))
     Postgres("wiki-dev-database", PostgresArgs(password=password, …))

It does not change by itself. `pulumi up --replace` of the parameter makes a new one and gives it to the database in the
same update; who had read the old one reads again. Why and when: docs/decisions/0014-a-password-without-a-secret.md.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.children import Children, Transform
from components.policy import document, statement
from components.refusal import Refusal


@dataclass(frozen=True, kw_only=True)
class MasterPasswordArgs:
    """What the caller decides about a master user. A standard parameter and its reading are free."""

    parameter: str
    """The name of the parameter, such as `/wiki/dev/database/master`."""

    user: str = "dbadmin"
    """The master user."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key that encrypts it. Without one, the key that AWS manages for Systems Manager in the account."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(/[A-Za-z0-9_.-]+)+", self.parameter):
            raise Refusal("parameter", self.parameter, "is not a parameter's name; write one such as '/wiki/master'")


class MasterPassword(pulumi.ComponentResource):
    """A random password beside the name of its user, as JSON with `username` and `password`."""

    CHILDREN = ("parameter", "grant")

    arn: pulumi.Output[str]
    """The parameter's."""
    user: str
    password: pulumi.Output[str]
    """A secret, for the database alone."""

    def __init__(self, name: str, args: MasterPasswordArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:data:MasterPassword", name, None, opts)
        self._prefix, self._args = name, args
        self._child = Children(self, args.transform, self.CHILDREN)
        # Another value at every run, of which only the first is used.
        made = aws.secretsmanager.get_random_password_output(
            password_length=48, exclude_punctuation=True, opts=pulumi.InvokeOptions(parent=self)
        ).random_password
        login = pulumi.Output.json_dumps({"password": made, "username": args.user}, sort_keys=True)
        parameter = aws.ssm.Parameter(
            f"{name}-parameter",
            name=args.parameter,
            type="SecureString",
            key_id=args.key_arn,
            value=pulumi.Output.secret(login),
            description=f"The user {args.user} and its password",
            opts=self._child("parameter", ignore_changes=["value"]),
        )
        self.arn, self.user = parameter.arn, args.user
        # What the parameter holds and not `made`: after a run that failed half-way the two differ.
        self.password = pulumi.Output.secret(parameter.value.apply(_password_in))
        self.register_outputs({"arn": self.arn})

    def grant_read(self, role: aws.iam.Role) -> None:
        """Let `role` read it, and nothing more."""
        statements = [statement("ReadThePassword", actions="ssm:GetParameter", resources=self.arn)]
        if self._args.key_arn is not None:
            statements.append(
                statement(
                    "DecryptThePassword",
                    actions="kms:Decrypt",
                    resources=self._args.key_arn,
                    # The key protects more than the password; this role gets no further by way of it.
                    condition={"StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": self.arn}},
                )
            )
        aws.iam.RolePolicy(
            f"{self._prefix}-read-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(*statements),
            opts=self._child("grant"),
        )


def _password_in(login: str | None) -> str:
    # Nothing is known of a parameter that a preview would make.
    return json.loads(login)["password"] if login else ""
