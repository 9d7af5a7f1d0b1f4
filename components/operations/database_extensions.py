"""PostgreSQL extensions, made by the deployment: a function inside the network, called once, runs CREATE EXTENSION.

Use: args = DatabaseExtensionsArgs(extensions=["vector"], database=database, network=network, package=package)
     DatabaseExtensions("wiki-dev-database-extensions", args)

One way for every PostgreSQL: Aurora's Data API, which needs no function, is not there for RDS and not for burstable
classes, and would be one more way in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pulumi
import pulumi_aws as aws

from components.children import Children, Transform
from components.compute.function import Function, FunctionArgs
from components.compute.package import Package
from components.data.database import Database
from components.network.flow_logs import RetentionDays
from components.network.network import Network
from components.refusal import Refusal, nearest

KNOWN: Final = ("vector", "pg_trgm", "pgcrypto", "hstore", "citext", "ltree", "unaccent", "btree_gin", "btree_gist")
HANDLER: Final = "extensions.create.handler"


@dataclass(frozen=True, kw_only=True)
class DatabaseExtensionsArgs:
    """What the caller decides about the extensions of a database. A call at a deployment costs nothing to speak of."""

    extensions: Sequence[str]
    """What is created, such as `vector` (pgvector). What is taken out of the list stays in the database: dropping an
    extension drops the columns of its types."""

    database: Database
    """In which database; by its master user."""

    network: Network
    """The network of the database. From its private subnets Secrets Manager must be reached, by an endpoint or NAT."""

    package: Package
    """workloads/extensions, built."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the password and of the function's environment. Without one AWS's own keys."""

    log_retention_days: RetentionDays = 30
    """Days until a record in the function's log is deleted."""

    log_key_arn: pulumi.Input[str] | None = None
    """The KMS key of the log group."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        check_extensions(self.extensions)


def check_extensions(extensions: Sequence[str]) -> None:
    """Refuse names that are no extensions which RDS and Aurora both have."""
    for extension in extensions:
        if extension not in KNOWN:
            alias = "vector" if re.fullmatch(r"pg-?_?vector", extension) else ""
            raise Refusal(
                "extensions",
                extension,
                f"is not an extension known here; {f'did you mean {alias!r}? ' if alias else nearest(extension, KNOWN)}"
                f"use {', '.join(KNOWN)} (pgvector is called vector)",
            )
    if len(set(extensions)) != len(extensions):
        raise Refusal("extensions", list(extensions), "names one of them twice; leave one out")


class DatabaseExtensions(pulumi.ComponentResource):
    """Extensions that are there when the deployment ends; it fails if one of them cannot be created."""

    CHILDREN = ("invocation",)

    def __init__(self, name: str, args: DatabaseExtensionsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:operations:DatabaseExtensions", name, None, opts)
        child = Children(self, args.transform, self.CHILDREN)
        database = args.database
        function = Function(
            name,
            FunctionArgs(
                package=args.package,
                handler=HANDLER,
                description="Creates extensions of PostgreSQL while the stack is deployed",
                memory_mib=256,
                # A database that has only just been made may keep its first callers waiting.
                timeout_seconds=120,
                environment={
                    "DATABASE_HOST": database.endpoint,
                    "DATABASE_NAME": database.name,
                    "DATABASE_PORT": str(database.port),
                },
                secrets={"DATABASE_SECRET_ARN": database.secret_arn},
                key_arn=args.key_arn,
                # A trace for each deployment; the first 100,000 a month are free.
                tracing=True,
                network=args.network,
                log_retention_days=args.log_retention_days,
                logs_key_arn=args.log_key_arn,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        assert function.security_group_id is not None, "it has a network"
        database.allow_from(function.security_group_id, "extensions")
        function.allow_to(database.security_group_id, database.port, "database")
        aws.lambda_.Invocation(
            f"{name}-invocation",
            function_name=function.name,
            qualifier=function.alias_name,
            input=pulumi.Output.json_dumps({"extensions": sorted(args.extensions)}, sort_keys=True),
            # Another list, another database or another version of the code is another call.
            triggers={"database": database.endpoint, "version": function.version},
            # Not before the database answers and lets the function in. (A component stands for all of its parts.)
            opts=child("invocation", depends_on=[function, *_resources(database, args.network)]),
        )
        self.register_outputs({})


def _resources(*parts: object) -> list[pulumi.Resource]:
    """Those that this stack makes."""
    return [part for part in parts if isinstance(part, pulumi.Resource)]
