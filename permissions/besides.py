"""What neither AWS's schemas nor the provider's table tell, with its source; and what they tell that is not needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Phase = Literal["read", "create", "update", "delete"]
Inputs = Mapping[str, Any]


def _always(_inputs: Inputs) -> bool:
    return True


def _is_set(name: str) -> Callable[[Inputs], bool]:
    return lambda inputs: bool(inputs.get(name))


@dataclass(frozen=True)
class Besides:
    """Actions that a resource of this type needs besides, where its inputs say so."""

    type: str
    actions: tuple[str, ...]
    phase: Phase
    source: str
    where: Callable[[Inputs], bool] = _always


_SCALING: Final = "docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html"
_SCALED: Final = {
    "ecs": ("ecs:DescribeServices", "ecs:UpdateService"),
    "rds": ("rds:DescribeDBClusters", "rds:DescribeDBInstances"),
    "dynamodb": ("dynamodb:DescribeTable", "dynamodb:UpdateTable"),
    "lambda": ("lambda:GetProvisionedConcurrencyConfig", "lambda:PutProvisionedConcurrencyConfig"),
}


def _scales(namespace: str) -> Callable[[Inputs], bool]:
    return lambda inputs: inputs.get("serviceNamespace") == namespace


_DELIVERS_LOGS: Final = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
"""docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html"""

_FINAL: Final = "docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html"


def _leaves_snapshot(inputs: Inputs) -> bool:
    return inputs.get("skipFinalSnapshot") is not True


_VENDS_LOGS: Final = ("bedrock", "cloudfront", "elasticloadbalancing", "events", "ses")
"""Services that ask their own leave before their logs are sent by a delivery source."""


def _is_log_of(service: str) -> Callable[[Inputs], bool]:
    return lambda inputs: str(inputs.get("resourceArn", "")).split(":")[2:3] == [service]


def _names_connection(service: str) -> Callable[[Inputs], bool]:
    return lambda inputs: re.search(rf"arn:[\w-]+:{service}:", str(inputs)) is not None


BESIDES: Final = (
    *(
        Besides(
            "aws:cloudwatch/logDeliverySource:LogDeliverySource",
            (f"{service}:AllowVendedLogDeliveryForResource",),
            "create",
            "docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-service-specific.html",
            _is_log_of(service),
        )
        for service in _VENDS_LOGS
    ),
    *(
        Besides(
            type_,
            (f"{service}:PassConnection",),
            "create",
            "docs.aws.amazon.com/dtconsole/latest/userguide/security_iam_id-based-policy-examples-connections.html",
            _names_connection(service),
        )
        for type_ in ("aws:codepipeline/pipeline:Pipeline", "aws:codebuild/project:Project")
        for service in ("codeconnections", "codestar-connections")
    ),
    *(
        Besides(f"aws:appautoscaling/{kind}", actions, "create", _SCALING, _scales(namespace))
        for kind in ("target:Target", "policy:Policy")
        for namespace, actions in _SCALED.items()
    ),
    Besides(
        "aws:appautoscaling/policy:Policy",
        ("cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"),
        "create",
        _SCALING,
    ),
    Besides(
        "aws:apigateway/stage:Stage",
        _DELIVERS_LOGS,
        "create",
        "docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html",
        _is_set("accessLogSettings"),
    ),
    Besides(
        "aws:apigatewayv2/stage:Stage",
        _DELIVERS_LOGS,
        "create",
        "docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html",
        _is_set("accessLogSettings"),
    ),
    Besides(
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        _DELIVERS_LOGS,
        "create",
        "docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html",
    ),
    Besides(
        "aws:backup/vault:Vault",
        ("backup-storage:MountCapsule",),
        "create",
        "docs.aws.amazon.com/aws-backup/latest/devguide/access-control.html",
    ),
    Besides(
        "aws:s3/bucket:Bucket",
        ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"),
        "delete",
        "the provider empties it: registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/s3_bucket",
        _is_set("forceDestroy"),
    ),
    Besides(
        "aws:s3/bucket:Bucket",
        ("s3:BypassGovernanceRetention", "s3:GetObjectLegalHold", "s3:PutObjectLegalHold"),
        "delete",
        "the provider empties it in spite of locks: the same, force_destroy",
        lambda inputs: bool(inputs.get("forceDestroy") and inputs.get("objectLockEnabled")),
    ),
    Besides(
        "aws:backup/vault:Vault",
        ("backup:DeleteRecoveryPoint", "backup:DescribeRecoveryPoint", "backup:ListRecoveryPointsByBackupVault"),
        "delete",
        "the provider empties it: registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/backup_vault",
        _is_set("forceDestroy"),
    ),
    Besides(
        "aws:dynamodb/tableReplica:TableReplica",
        (
            "dynamodb:BatchWriteItem",
            "dynamodb:CreateTableReplica",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:UpdateItem",
        ),
        "create",
        "docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_security.html",
    ),
    *(
        Besides(type_, actions, "create", source)
        for type_, actions, source in (
            (
                "aws:secretsmanager/secretVersion:SecretVersion",
                ("kms:Decrypt", "kms:GenerateDataKey"),
                "docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
            ),
            (
                "aws:s3/bucketObjectv2:BucketObjectv2",
                ("kms:Decrypt", "kms:GenerateDataKey"),
                "docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
            ),
            (
                "aws:s3/bucketObject:BucketObject",
                ("kms:Decrypt", "kms:GenerateDataKey"),
                "docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
            ),
        )
    ),
    Besides(
        "aws:ssm/parameter:Parameter",
        ("kms:Decrypt", "kms:Encrypt"),
        "create",
        "docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html",
        lambda inputs: inputs.get("type") == "SecureString",
    ),
    *(
        Besides(type_, ("rds:CreateDBClusterSnapshot", "rds:CreateDBSnapshot"), "delete", _FINAL, _leaves_snapshot)
        for type_ in ("aws:rds/cluster:Cluster", "aws:rds/instance:Instance")
    ),
    Besides(
        "aws:lambda/function:Function",
        ("ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DetachNetworkInterface"),
        "delete",
        "the provider waits for its network interfaces: docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html",
        _is_set("vpcConfig"),
    ),
    Besides(
        "aws:iam/instanceProfile:InstanceProfile",
        ("iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile"),
        "create",
        "docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html",
        _is_set("role"),
    ),
    Besides(
        "aws:opensearch/serverlessVpcEndpoint:ServerlessVpcEndpoint",
        (
            "ec2:CreateTags",
            "ec2:CreateVpcEndpoint",
            "ec2:DeleteVpcEndpoints",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeVpcs",
            "ec2:ModifyVpcEndpoint",
            "route53:AssociateVPCWithHostedZone",
            "route53:ChangeResourceRecordSets",
            "route53:CreateHostedZone",
            "route53:DeleteHostedZone",
            "route53:GetChange",
            "route53:GetHostedZone",
            "route53:ListHostedZonesByName",
            "route53:ListHostedZonesByVPC",
            "route53:ListResourceRecordSets",
        ),
        "create",
        "docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-vpc.html",
    ),
)

NOT_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    # Who queries needs it, not who makes the workgroup.
    "aws:athena/workgroup:Workgroup": ("s3:", "kms:"),
    # Who reads and writes the data.
    "aws:glue/catalogTable:CatalogTable": ("s3:",),
    "aws:glue/job:Job": ("s3:",),
    "aws:glue/crawler:Crawler": ("s3:",),
    "aws:dynamodb/table:Table": (
        "logs:",
        "s3:",
        "kinesis:",
        "dynamodb:AssociateTableReplica",
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:ImportTable",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
    ),
    "aws:ecs/cluster:Cluster": ("ecs:PutAccountSetting",),
    # Objects are what programs in the stack read and write.
    "aws:s3/bucket:Bucket": ("s3:GetObject", "s3:PutObject"),
    "aws:secretsmanager/secret:Secret": ("secretsmanager:GetSecretValue",),
    "aws:elasticache/replicationGroup:ReplicationGroup": ("firehose:PutRecord", "logs:PutLogEvents", "s3:"),
    "aws:amplify/app:App": ("codecommit:", "sns:"),
    "aws:amplify/branch:Branch": ("codecommit:", "sns:", "s3:"),
    # A stack refers to secrets, it rotates them by calling the function itself, which AWS does.
    "aws:secretsmanager/secretRotation:SecretRotation": ("lambda:InvokeFunction",),
}
"""Beginnings of actions that the schemas list for what somebody else does with such a thing."""

SERVICE_LINKED: Final[Mapping[str, str]] = {
    "access-analyzer": "access-analyzer.amazonaws.com",
    "aoss": "observability.aoss.amazonaws.com",
    "apigateway": "ops.apigateway.amazonaws.com",
    "application-autoscaling": "*.application-autoscaling.amazonaws.com",
    "backup": "backup.amazonaws.com",
    "chatbot": "management.chatbot.amazonaws.com",
    "cognito-idp": "email.cognito-idp.amazonaws.com",
    "config": "config.amazonaws.com",
    "dynamodb": "replication.dynamodb.amazonaws.com",
    "ecs": "ecs.amazonaws.com",
    "elasticache": "elasticache.amazonaws.com",
    "elasticloadbalancing": "elasticloadbalancing.amazonaws.com",
    "guardduty": "guardduty.amazonaws.com",
    "rds": "rds.amazonaws.com",
    "ssm": "ssm.amazonaws.com",
    "wafv2": "wafv2.amazonaws.com",
}
"""Whom a service's own role trusts
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html); others that the schemas
name are for features of organisations and of Spark."""

RECOVERY_POINTS: Final = frozenset({"backup:DeleteRecoveryPoint", "backup:DescribeRecoveryPoint"})
RECOVERY_POINT_ARNS: Final = (
    "arn:{partition}:backup:{region}:{account}:recovery-point:*",
    "arn:{partition}:ec2:{region}::snapshot/*",
    "arn:{partition}:rds:{region}:{account}:cluster-snapshot:awsbackup:*",
    "arn:{partition}:rds:{region}:{account}:snapshot:awsbackup:*",
)
"""Backups have ARNs of the services whose data they hold, and IAM takes no pattern for a service
(docs.aws.amazon.com/aws-backup/latest/devguide/access-control.html)."""

TAKES_ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:ec2/flowLog:FlowLog": ("vpc-flow-logs",),
    "aws:ecs/taskDefinition:TaskDefinition": ("ecs-tasks",),
    "aws:iam/instanceProfile:InstanceProfile": ("ec2",),
    "aws:lambda/function:Function": ("edgelambda", "lambda"),
    "aws:rds/cluster:Cluster": ("monitoring.rds", "rds"),
    "aws:rds/clusterInstance:ClusterInstance": ("monitoring.rds", "rds"),
    "aws:rds/instance:Instance": ("monitoring.rds", "rds"),
}
"""Who takes the roles that such a thing is given, where that is not the service of its actions
(docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html, and each service's page on its role)."""

SCALED_ROLES: Final[Mapping[str, str]] = {
    "dynamodb": "dynamodb.application-autoscaling.amazonaws.com",
    "ecs": "ecs.application-autoscaling.amazonaws.com",
    "elasticache": "elasticache.application-autoscaling.amazonaws.com",
    "lambda": "lambda.application-autoscaling.amazonaws.com",
    "rds": "rds.application-autoscaling.amazonaws.com",
}
"""By the namespace of what is scaled
(docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html)."""

GLOBAL: Final = frozenset(
    {
        "account", "bcm-data-exports", "budgets", "ce", "chatbot", "cloudfront", "cost-optimization-hub", "cur",
        "globalaccelerator", "health", "iam", "networkmanager", "organizations", "pricing", "route53",
        "route53-recovery-control-config", "route53domains", "s3", "savingsplans", "shield", "support",
        "trustedadvisor", "waf",
    }
)  # fmt: skip
"""Services whose calls go to no region of the stack's (docs.aws.amazon.com/general/latest/gr; the provider calls the
chat service in one of four: internal/service/chatbot/service_package.go), or, for S3, whose ARNs have none and whose
names are unique."""

ADOPTED: Final = frozenset(
    {
        "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
        "aws:ec2/defaultRouteTable:DefaultRouteTable",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    }
)
"""Made by AWS with the network, and changed before they carry a tag of the stack's."""

CLEARS_AWAY: Final = frozenset({"ec2:DeleteNetworkInterface", "ec2:DetachNetworkInterface"})
"""What only a destruction does: on anybody's things, since nothing tells whose they are."""
