"""What other components need to know of a network, and what a stack tells other stacks of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import pulumi

from ..widgets import Widget


class Network(Protocol):
    """What a component needs to know of the network it stands in, however that network came to be."""

    @property
    def vpc_id(self) -> pulumi.Output[str]: ...
    @property
    def cidr(self) -> pulumi.Output[str]: ...
    @property
    def public_subnet_ids(self) -> pulumi.Output[list[str]]: ...
    @property
    def private_subnet_ids(self) -> pulumi.Output[list[str]]: ...
    @property
    def isolated_subnet_ids(self) -> pulumi.Output[list[str]]: ...
    @property
    def first_public_subnet_id(self) -> pulumi.Output[str]:
        """For what stands in one subnet for good: known also at the preview that adds a zone, when of the lists nothing
        is known."""
        ...

    @property
    def first_private_subnet_id(self) -> pulumi.Output[str]: ...
    @property
    def database_subnet_group_name(self) -> pulumi.Output[str] | None: ...
    @property
    def endpoint_security_group_id(self) -> pulumi.Output[str] | None: ...
    @property
    def s3_prefix_list_id(self) -> pulumi.Output[str] | None: ...
    @property
    def dynamodb_prefix_list_id(self) -> pulumi.Output[str] | None: ...


@dataclass(frozen=True, kw_only=True)
class ExistingNetwork:
    """A network that this stack uses and does not own."""

    vpc_id: pulumi.Output[str]
    cidr: pulumi.Output[str]
    public_subnet_ids: pulumi.Output[list[str]]
    private_subnet_ids: pulumi.Output[list[str]]
    isolated_subnet_ids: pulumi.Output[list[str]]
    database_subnet_group_name: pulumi.Output[str] | None = None
    endpoint_security_group_id: pulumi.Output[str] | None = None
    s3_prefix_list_id: pulumi.Output[str] | None = None
    dynamodb_prefix_list_id: pulumi.Output[str] | None = None

    @staticmethod
    def by_ids(
        *,
        vpc_id: pulumi.Input[str],
        cidr: pulumi.Input[str],
        public_subnet_ids: Sequence[pulumi.Input[str]] = (),
        private_subnet_ids: Sequence[pulumi.Input[str]] = (),
        isolated_subnet_ids: Sequence[pulumi.Input[str]] = (),
        database_subnet_group_name: pulumi.Input[str] | None = None,
        endpoint_security_group_id: pulumi.Input[str] | None = None,
        s3_prefix_list_id: pulumi.Input[str] | None = None,
        dynamodb_prefix_list_id: pulumi.Input[str] | None = None,
    ) -> ExistingNetwork:
        """A network that somebody else made, by its ids. Nothing of it is changed or looked up."""

        def known(value: pulumi.Input[str] | None) -> pulumi.Output[str] | None:
            return None if value is None else pulumi.Output.from_input(value)

        return ExistingNetwork(
            vpc_id=pulumi.Output.from_input(vpc_id),
            cidr=pulumi.Output.from_input(cidr),
            public_subnet_ids=pulumi.Output.all(*public_subnet_ids),
            private_subnet_ids=pulumi.Output.all(*private_subnet_ids),
            isolated_subnet_ids=pulumi.Output.all(*isolated_subnet_ids),
            database_subnet_group_name=known(database_subnet_group_name),
            endpoint_security_group_id=known(endpoint_security_group_id),
            s3_prefix_list_id=known(s3_prefix_list_id),
            dynamodb_prefix_list_id=known(dynamodb_prefix_list_id),
        )

    @staticmethod
    def of_stack(reference: pulumi.StackReference) -> ExistingNetwork:
        """The network of another stack of this program, by what that stack exports (`NETWORK_OUTPUTS`)."""
        required = {field: read_output(reference, NETWORK_OUTPUTS[field]) for field in REQUIRED_OUTPUTS}
        optional = {
            field: cast("Any", reference.get_output(output))
            for field, output in NETWORK_OUTPUTS.items()
            if field not in REQUIRED_OUTPUTS
        }
        return ExistingNetwork(**required, **optional)

    @property
    def widgets(self) -> list[Widget]:
        """Nothing: what is in it is looked at by whoever made it."""
        return []

    @property
    def outputs(self) -> dict[str, Any]:
        return network_outputs(self)

    @property
    def first_public_subnet_id(self) -> pulumi.Output[str]:
        return self.public_subnet_ids.apply(lambda ids: ids[0])

    @property
    def first_private_subnet_id(self) -> pulumi.Output[str]:
        return self.private_subnet_ids.apply(lambda ids: ids[0])


NETWORK_OUTPUTS = {
    "vpc_id": "vpcId",
    "cidr": "vpcCidr",
    "public_subnet_ids": "publicSubnetIds",
    "private_subnet_ids": "privateSubnetIds",
    "isolated_subnet_ids": "isolatedSubnetIds",
    "database_subnet_group_name": "databaseSubnetGroupName",
    "endpoint_security_group_id": "endpointSecurityGroupId",
    "s3_prefix_list_id": "s3PrefixListId",
    "dynamodb_prefix_list_id": "dynamodbPrefixListId",
}
"""What a stack exports of its network, and another stack reads: attribute → output."""


def network_outputs(network: Network) -> dict[str, Any]:
    """The ids of a network, by which another stack can join it."""
    told = {output: getattr(network, attribute) for attribute, output in NETWORK_OUTPUTS.items()}
    return {output: value for output, value in told.items() if value is not None}


REQUIRED_OUTPUTS = ("vpc_id", "cidr", "public_subnet_ids", "private_subnet_ids", "isolated_subnet_ids")
"""What every network has; the rest is missing where the network lacks it."""


def read_output(reference: pulumi.StackReference, output: str) -> pulumi.Output[Any]:
    """What another stack exports under this name. A stack that was never updated, or last by an older version of the
    program, does not export it, and the SDK's own error would be a KeyError with a stack trace."""

    def there(found: list[Any]) -> Any:
        name, value = found
        if value is None:
            # Not an ArgumentError: that is a ValueError, which Pulumi prints with a stack trace this late.
            raise pulumi.RunError(
                f"network.stack: the stack {name!r} has no output {output!r}; update that stack first "
                f"(pulumi up --stack {name}), then this one"
            )
        return value

    return pulumi.Output.all(reference.name, reference.get_output(output)).apply(there)
