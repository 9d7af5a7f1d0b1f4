"""Lake Formation in charge of an account's catalogue: who may ask which table is granted there, table by table.

Use: formation = LakeFormation("chat-dev-lake-formation", LakeFormationArgs(administrators=[…], zones={"clean": …}))
     lake = DataLake("chat-dev-lake", DataLakeArgs(formation=formation, …))
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.children import Children, Transform
from components.data.bucket import Bucket
from components.policy import document
from components.refusal import Refusal

_PRINCIPAL = re.compile(r"arn:aws:iam::\d{12}:(role|user)/\S+")


@dataclass(frozen=True, kw_only=True)
class LakeFormationArgs:
    """What the caller decides. Free.

    There is one setting for each account and region, so only one stack there may have this: databases and tables that
    anybody makes from then on in the region are closed until Lake Formation opens them, in spite of what IAM allows.
    """

    administrators: Sequence[str]
    """ARNs of the roles and users that may grant everything, in place of those that there were. Whoever deploys must be
    one of them: nobody else may make a grant."""

    zones: Mapping[str, Bucket]
    """Name → bucket of the zones that have tables; queries read them by what Lake Formation lends."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if not self.administrators:
            raise Refusal("administrators", [], "are missing, and nobody could grant anything; name who deploys")
        for one in self.administrators:
            if not _PRINCIPAL.fullmatch(one):
                raise Refusal(
                    "administrators", one, "is not a role or user; use arn:aws:iam::123456789012:role/deployer"
                )


class LakeFormation(pulumi.ComponentResource):
    """Its administrators, no way around it for what is new, and the buckets that it opens and shuts."""

    CHILDREN = ("settings", "role", "location")

    def __init__(self, name: str, args: LakeFormationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:analytics:LakeFormation", name, None, opts)
        child = Children(self, args.transform, self.CHILDREN)
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
            assume_role_policy=document(
                {
                    "Sid": "AssumedByLakeFormation",
                    "Effect": "Allow",
                    "Principal": {"Service": "lakeformation.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ),
            opts=child("role"),
        )
        for zone, bucket in sorted(args.zones.items()):
            # Queries read; what writes are jobs, by roles of their own.
            bucket.grant_read(role)
            aws.lakeformation.Resource(
                f"{name}-{zone}-location",
                arn=bucket.arn,
                role_arn=role.arn,
                opts=child("location", depends_on=[settings]),
            )
        self.register_outputs({})
