"""Settings that programs read while they run: a tree of SSM parameters, plain or encrypted.

Use: args = ParameterTreeArgs(values={"api/log-level": "INFO"})
     parameters = ParameterTree("wiki-dev-parameters", args, path="/wiki/dev")
     parameters.grant_read(task_role, "api")
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError, Mistake
from ..identity.key import AnyKey
from ..policy import statement

_MOST_BYTES = 4096
# AWS has 15, of which the path takes two.
_MOST_LEVELS = 13


class ParameterTreeArgs(ComponentArgs):
    """The tree of SSM parameters under `/{product}/{environment}`. Parameters of up to 4 KB are free."""

    values: dict[str, str] = {}
    """Name below the path (`api/log-level`) → value that anybody with access to the account may see. The addresses of
    databases and caches are added by themselves."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from _mistakes("values", self.values)


def _mistakes(field: str, values: Mapping[str, pulumi.Input[str]]) -> Iterator[Mistake]:
    for name, value in values.items():
        if not re.fullmatch(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", name):
            yield Mistake(field, name, "is not a name; write one such as 'api/log-level'")
        elif name.count("/") >= _MOST_LEVELS:
            yield Mistake(field, name, f"has more than {_MOST_LEVELS} levels; use fewer")
        size = len(value.encode()) if isinstance(value, str) else 1
        if not 1 <= size <= _MOST_BYTES:
            yield Mistake((field, name), f"{size} bytes", f"is not allowed; use 1 to {_MOST_BYTES} bytes")


class ParameterTree(Component):
    """A tree of parameters, of which a role may read a branch."""

    CHILDREN = ("parameter", "grant")

    path: str
    """Under which all of them are."""
    arns: Mapping[str, pulumi.Output[str]]
    """Name below the path → ARN."""

    def __init__(
        self,
        name: str,
        args: ParameterTreeArgs,
        *,
        path: str,
        computed: Mapping[str, pulumi.Input[str]] | None = None,
        secure: Mapping[str, pulumi.Input[str]] | None = None,
        key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param path: Under which all of them are, such as `/wiki/dev`.
        :param computed: As `values` of the arguments, for what the program computes.
        :param secure: The same, encrypted. Passwords and tokens belong in a SecretSet, which makes them by itself.
        :param key: What encrypts those. Without one, the key that AWS manages for Systems Manager in the account.
        """
        super().__init__(name, args, opts)
        self._secure, self._key = secure or {}, key
        plain = {**args.values, **(computed or {})}
        _check(path, plain, self._secure)
        self._account = Account.of(self)
        self.path = path
        made = {
            parameter: aws.ssm.Parameter(
                f"{name}-{parameter.replace('/', '-')}-parameter",
                name=f"{path}/{parameter}",
                type="SecureString" if parameter in self._secure else "String",
                key_id=key.arn if key and parameter in self._secure else None,
                value=pulumi.Output.secret(value) if parameter in self._secure else None,
                # As `value` the SDK would hide it in every preview, and wherever else the same text stands.
                insecure_value=None if parameter in self._secure else value,
                opts=self._child("parameter"),
            )
            for parameter, value in sorted({**plain, **self._secure}.items())
        }
        self.arns = {parameter: one.arn for parameter, one in made.items()}
        self.register_outputs({"path": self.path})

    def grant_read(self, role: aws.iam.Role, branch: str = "") -> aws.iam.RolePolicy:
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
        if self._secure and self._key is not None:
            statements.append(
                statement(
                    "DecryptThisBranch",
                    actions="kms:Decrypt",
                    resources=self._key.arn,
                    # The key protects more than these; this role gets no further by way of it.
                    condition={
                        "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": [here, pulumi.Output.concat(here, "/*")]}
                    },
                )
            )
        label = f"-{branch.replace('/', '-')}" if branch else ""
        return self._allow(role, f"read{label}", *statements)


def _check(path: str, plain: Mapping[str, pulumi.Input[str]], secure: Mapping[str, pulumi.Input[str]]) -> None:
    found = [*_mistakes("computed", plain), *_mistakes("secure", secure)]
    if not re.fullmatch(r"(/[A-Za-z0-9_.-]+){2}", path):
        found.append(Mistake("path", path, "is not a path of two levels; write one such as '/wiki/dev'"))
    if re.match(r"/(aws|ssm)", path, re.IGNORECASE):
        found.append(Mistake("path", path, "begins as AWS's own parameters do; begin with the product"))
    found += [Mistake("secure", name, "is in values too; keep one of the two") for name in sorted({*plain} & {*secure})]
    if found:
        raise ArgumentError.of(found)
