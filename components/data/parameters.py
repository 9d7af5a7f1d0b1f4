"""Settings that programs read while they run: a tree of SSM parameters, plain or encrypted.

Use: args = ParameterTreeArgs(path="/wiki/dev", values={"api/log-level": "INFO"})
     parameters = ParameterTree("wiki-dev-parameters", args)
     parameters.grant_read(task_role, "api")
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.children import Children, Transform
from components.policy import document, statement
from components.refusal import Refusal

_LARGEST = 4096
_DEEPEST = 15


@dataclass(frozen=True, kw_only=True)
class ParameterTreeArgs:
    """What the caller decides about a tree of parameters. Parameters of up to 4 KB are free."""

    path: str
    """Under which all of them are, such as `/wiki/dev`."""

    values: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Name below the path (`api/log-level`) → value that anybody with access to the account may see."""

    secure: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Name below the path → value that is encrypted. For what is computed in the program; passwords and tokens belong
    in a SecretSet, which makes them by itself."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the encrypted ones. Without one, the key that AWS manages for Systems Manager in the account."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(/[A-Za-z0-9_.-]+)+", self.path):
            raise Refusal("path", self.path, "is not a path; write one such as '/wiki/dev'")
        if re.match(r"/(aws|ssm)", self.path, re.IGNORECASE):
            raise Refusal("path", self.path, "begins as AWS's own parameters do; begin with the product")
        for field_, given in (("values", self.values), ("secure", self.secure)):
            for name, value in given.items():
                self._check(field_, name, value)
        both = sorted(set(self.values) & set(self.secure))
        if both:
            raise Refusal("secure", both[0], "is in values too; keep one of the two")

    def _check(self, given_as: str, name: str, value: pulumi.Input[str]) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", name):
            raise Refusal(given_as, name, "is not a name; write one such as 'api/log-level'")
        if f"{self.path}/{name}".count("/") > _DEEPEST:
            raise Refusal(given_as, name, f"is deeper than {_DEEPEST} levels, the most that AWS has")
        if isinstance(value, str) and not 1 <= len(value.encode()) <= _LARGEST:
            raise Refusal(
                f"{given_as}.{name}", f"{len(value.encode())} bytes", f"is not allowed; use 1 to {_LARGEST} bytes"
            )


class ParameterTree(pulumi.ComponentResource):
    """A tree of parameters, of which a role may read a branch."""

    CHILDREN = ("parameter", "grant")

    path: str
    """Under which all of them are."""
    arns: Mapping[str, pulumi.Output[str]]
    """Name below the path → ARN."""

    def __init__(self, name: str, args: ParameterTreeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:data:ParameterTree", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)
        self.path = args.path
        made = {
            key: aws.ssm.Parameter(
                f"{name}-{key.replace('/', '-')}-parameter",
                name=f"{args.path}/{key}",
                type="SecureString" if key in args.secure else "String",
                key_id=args.key_arn if key in args.secure else None,
                value=pulumi.Output.secret(value) if key in args.secure else None,
                # As `value` the SDK would hide it in every preview, and wherever else the same text stands.
                insecure_value=None if key in args.secure else value,
                opts=self._child("parameter"),
            )
            for key, value in sorted({**args.values, **args.secure}.items())
        }
        self.arns = {key: parameter.arn for key, parameter in made.items()}
        self.register_outputs({"path": self.path})

    def grant_read(self, role: aws.iam.Role, branch: str = "") -> None:
        """Let `role` read the parameters of one branch (`api`), or of the whole tree, and nothing more."""
        root = f"{self.path}/{branch}".strip("/")
        here = self._account.arn("ssm", f"parameter/{root}")
        statements = [
            statement(
                "ReadThisBranch",
                actions=["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
                resources=[here, pulumi.Output.concat(here, "/*")],
            )
        ]
        if self._args.secure and self._args.key_arn is not None:
            statements.append(
                statement(
                    "DecryptThisBranch",
                    actions="kms:Decrypt",
                    resources=self._args.key_arn,
                    # The key protects more than these; this role gets no further by way of it.
                    condition={
                        "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": [here, pulumi.Output.concat(here, "/*")]}
                    },
                )
            )
        label = f"-{branch.replace('/', '-')}" if branch else ""
        aws.iam.RolePolicy(
            f"{self._prefix}-read{label}-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(*statements),
            opts=self._child("grant"),
        )
