"""A network that is there already, for components that stand in one."""

from __future__ import annotations

from typing import Any

import pulumi

from components.network.network import ExistingNetwork


def existing_network(*subnet_ids: str, **changes: Any) -> ExistingNetwork:
    """With all that a network can have; `changes` are plain values, None for what it lacks."""
    ids = list(subnet_ids or ("subnet-1", "subnet-2"))
    outputs: dict[str, Any] = {
        "vpc_id": "vpc-1",
        "cidr": "10.0.0.0/16",
        "public_subnet_ids": ids,
        "private_subnet_ids": ids,
        "isolated_subnet_ids": ids,
        "database_subnet_group_name": "databases",
        "endpoint_security_group_id": "sg-endpoints",
        "s3_prefix_list_id": "pl-s3",
        "dynamodb_prefix_list_id": "pl-dynamodb",
        **changes,
    }
    made: dict[str, Any] = {name: value and pulumi.Output.from_input(value) for name, value in outputs.items()}
    return ExistingNetwork(**made)
