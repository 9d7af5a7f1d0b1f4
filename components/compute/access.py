"""What a program may reach in the network, and the permissions that every program needs: for services and functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Unpack

import pulumi

from ..account import Account
from ..children import Children
from ..identity.key import AnyKey
from ..network.network import Network
from ..policy import Statement, statement
from ..security_rules import SourceOrDestination, allow_egress, closed_group


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A secret whose value a program may read when it starts."""

    arn: pulumi.Input[str]
    """The secret, or the parameter."""

    store: Literal["secretsmanager", "ssm"] = "secretsmanager"
    """Secrets Manager, or Parameter Store, which a task without NAT reaches only through the endpoint `ssm`."""

    json_key: str = ""
    """One key of a secret that holds a JSON object; empty means the whole secret."""

    key: AnyKey | None = None
    """What encrypts it, if it is a key of ours."""

    @property
    def reference(self) -> pulumi.Output[str]:
        """The ARN as a container definition takes it."""
        arn = pulumi.Output.from_input(self.arn)
        return pulumi.Output.concat(arn, f":{self.json_key}::") if self.json_key else arn


_READS = (
    ("secretsmanager", "Secrets", "secretsmanager:GetSecretValue"),
    ("ssm", "Parameters", "ssm:GetParameters"),
)
"""Store of a secret, what it keeps, and the action that reads from it."""


def read_secrets(secrets: Mapping[str, Secret], whose: str, account: Account) -> Iterator[Statement]:
    """Read these secrets, and use their keys for nothing else. `whose` is part of the names of the statements."""
    for store, kept, action in _READS:
        each = [secret for _, secret in sorted(secrets.items()) if secret.store == store]
        if each:
            arns = _distinct(*(secret.arn for secret in each))
            yield statement(f"Read{whose}{kept}", actions=action, resources=arns)
        if keys := [secret.key.arn for secret in each if secret.key is not None]:
            yield statement(
                f"Decrypt{whose}{kept}",
                actions="kms:Decrypt",
                resources=_distinct(*keys),
                # The keys protect more than secrets; the program gets no further by way of them.
                condition={
                    "StringEquals": {
                        "kms:ViaService": pulumi.Output.concat(f"{store}.", account.region, ".amazonaws.com")
                    }
                },
            )


def _distinct(*arns: pulumi.Input[str]) -> pulumi.Output[list[str]]:
    return pulumi.Output.all(*arns).apply(lambda known: sorted(set(known)))


# X-Ray knows no resources: AWS asks for "*" here.
SEND_TRACES = statement(
    "SendTraces",
    actions=[
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ],
    resources="*",
)
"""Send traces, and ask how many are wanted."""


@dataclass(frozen=True, kw_only=True)
class Egress:
    """The security group of a program, and what its members may call: nothing that is not named."""

    prefix: str
    group_id: pulumi.Output[str]
    child: Children

    @staticmethod
    def of(prefix: str, description: str, network: Network, child: Children) -> Egress:
        """A group with the way to AWS's services that the network has."""
        group = closed_group(f"{prefix}-security-group", network.vpc_id, description, child("security_group"))
        egress = Egress(prefix=prefix, group_id=group.id, child=child)
        if network.endpoint_security_group_id is not None:
            egress.allow("endpoints", 443, "To the endpoints", group=network.endpoint_security_group_id)
        return egress

    def allow(self, what: str, port: pulumi.Input[int], why: str, **destination: Unpack[SourceOrDestination]) -> None:
        """Let the members call one port of the destination, which needs an ingress rule for them."""
        allow_egress(
            f"{self.prefix}-{what}-egress-rule", self.group_id, port, why, self.child("egress_rule"), **destination
        )

    def allow_internet(self) -> None:
        """Let the members call any host by HTTPS; the network needs NAT."""
        self.allow("internet", 443, "To hosts on the internet, by NAT", cidr="0.0.0.0/0")
