"""PostgreSQL extensions, made by the deployment: a function inside the network, called once, runs CREATE EXTENSION.

Use: args = DatabaseExtensionsArgs(extensions=["vector"])
     DatabaseExtensions("wiki-dev-database-extensions", args, database=database, network=network, package=package)

One way for every PostgreSQL: Aurora's Data API, which needs no function, is not there for RDS and not for burstable
classes, and would be one more way in.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

import pulumi
import pulumi_aws as aws
from pydantic import AfterValidator

from ..args import ComponentArgs
from ..component import Component
from ..compute.function import Function
from ..compute.function_args import FunctionArgs
from ..compute.package import Package
from ..data.database import Database
from ..errors import nearest
from ..identity.key import AnyKey
from ..network.network import Network
from ..values import LogRetentionDays

KNOWN: Final = ("vector", "pg_trgm", "pgcrypto", "hstore", "citext", "ltree", "unaccent", "btree_gin", "btree_gist")
HANDLER: Final = "extensions.create.handler"


def _known(extension: str) -> str:
    if extension not in KNOWN:
        hint = "did you mean 'vector'? " if re.fullmatch(r"pg-?_?vector", extension) else nearest(extension, KNOWN)
        raise ValueError(f"is not an extension known here; {hint}use {', '.join(KNOWN)} (pgvector is called vector)")
    return extension


def _once(extensions: list[str]) -> list[str]:
    if len(set(extensions)) < len(extensions):
        raise ValueError("names one of them twice; leave one out")
    return extensions


Extensions = Annotated[list[Annotated[str, AfterValidator(_known)]], AfterValidator(_once)]
"""Extensions that RDS and Aurora both have."""


class DatabaseExtensionsArgs(ComponentArgs):
    """Extensions of a database. A call at a deployment costs nothing to speak of."""

    extensions: Extensions
    """What is created, such as `vector` (pgvector). What is taken out of the list stays in the database: dropping an
    extension drops the columns of its types."""

    log_retention_days: LogRetentionDays = 30
    """Days until a record in the function's log is deleted."""


class DatabaseExtensions(Component):
    """Extensions that are there when the deployment ends; it fails if one of them cannot be created."""

    CHILDREN = ("invocation",)

    def __init__(
        self,
        name: str,
        args: DatabaseExtensionsArgs,
        *,
        database: Database,
        network: Network,
        package: Package,
        key: AnyKey | None = None,
        log_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param database: In which they are created, by its master user.
        :param network: Of the database. From its private subnets Secrets Manager must be reached, by an endpoint or
            NAT.
        :param package: workloads/extensions, built.
        :param key: Of the password and of the function's environment. Without one AWS's own keys.
        :param log_key: What encrypts the function's log.
        """
        super().__init__(name, args, opts)
        function = Function(
            name,
            FunctionArgs(
                handler=HANDLER,
                description="Creates extensions of PostgreSQL while the stack is deployed",
                memory_mib=256,
                # A database that has only just been made may keep its first callers waiting.
                timeout_seconds=120,
                # A trace for each deployment; the first 100,000 a month are free.
                tracing=True,
                log_retention_days=args.log_retention_days,
            ),
            package=package,
            network=network,
            environment={
                "DATABASE_HOST": database.endpoint,
                "DATABASE_NAME": database.name,
                "DATABASE_PORT": str(database.port),
            },
            secrets={"DATABASE_SECRET_ARN": database.secret_arn},
            key=key,
            logs_key=log_key,
            opts=pulumi.ResourceOptions(parent=self),
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
            opts=self._child("invocation", depends_on=[function, *_resources(database, network)]),
        )
        self.register_outputs({})


def _resources(*parts: object) -> list[pulumi.Resource]:
    """Those that this stack makes."""
    return [part for part in parts if isinstance(part, pulumi.Resource)]
