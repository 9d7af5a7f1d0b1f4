"""RDS: so far what a network prepares for databases."""

from __future__ import annotations

from typing import Final

from rehearsal.cloud.creation import Call, Spec

SPECS: Final[dict[str, Spec]] = {
    "aws:rds/subnetGroup:SubnetGroup": Spec(
        service="rds",
        create=Call(
            operation="CreateDBSubnetGroup",
            takes={"name": "DBSubnetGroupName", "description": "DBSubnetGroupDescription"},
        ),
        id="{name}",
        autoname="name",
        defaults={"description": "Managed by Pulumi"},
        outputs={"arn": "DBSubnetGroup.DBSubnetGroupArn", "vpcId": "DBSubnetGroup.VpcId"},
    ),
}
