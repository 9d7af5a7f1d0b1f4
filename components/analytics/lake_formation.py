"""Lake Formation in charge of an account's catalogue: who may ask which table is granted there, table by table.

Use: formation = LakeFormation("chat-dev-lake-formation", LakeFormationArgs(administrators=[…]), zones={"clean": …})
     lake = DataLake("chat-dev-lake", DataLakeArgs(), formation=formation, …)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..args import ComponentArgs
from ..component import Component
from ..data.bucket import Bucket
from ..policy import trust_of_service
from ..values import text

Principal = Annotated[
    str,
    text(
        r"arn:aws:iam::\d{12}:(role|user)/\S+",
        "it must be a role or user, such as arn:aws:iam::123456789012:role/deployer",
    ),
]


class LakeFormationArgs(ComponentArgs):
    """Lake Formation in charge of who may ask which table, for the whole account in the stack's region. Free.

    Only for an account of which this lake is the purpose, and in one stack there: databases and tables that anybody
    makes from then on in the region are closed until Lake Formation opens them, in spite of what IAM allows.
    """

    administrators: Annotated[list[Principal], Field(min_length=1)]
    """ARNs of the roles and users that may grant everything, in place of those that there were. Whoever deploys must be
    one of them: nobody else may make a grant."""


class LakeFormation(Component):
    """Its administrators, no way around it for what is new, and the buckets that it opens and shuts."""

    CHILDREN = ("settings", "role", "location")

    def __init__(
        self,
        name: str,
        args: LakeFormationArgs,
        *,
        zones: Mapping[str, Bucket],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param zones: Name → bucket of the zones that have tables; queries read them by what Lake Formation lends.
        """
        super().__init__(name, args, opts)
        child = self._child
        settings = aws.lakeformation.DataLakeSettings(
            f"{name}-settings",
            # Without default permissions: AWS's own let everybody in whom IAM lets in.
            admins=sorted(args.administrators),
            opts=child("settings"),
        )
        role = aws.iam.Role(
            f"{name}-role",
            description=f"Lent by {name} to queries, for the files of the tables that they may read.",
            # Lake Formation names neither account nor resource when it assumes a role.
            assume_role_policy=trust_of_service("AssumedByLakeFormation", "lakeformation.amazonaws.com"),
            opts=child("role"),
        )
        for zone, bucket in sorted(zones.items()):
            # Queries read; what writes are jobs, by roles of their own.
            bucket.grant_read(role)
            aws.lakeformation.Resource(
                f"{name}-{zone}-location",
                arn=bucket.arn,
                role_arn=role.arn,
                opts=child("location", depends_on=[settings]),
            )
        self.register_outputs({})
