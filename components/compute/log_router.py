"""The log router: Fluent Bit beside each application, configured by the files in `workloads/log-router`.

FireLens hands it what the application prints. Everything goes to S3, compressed and by the hour; errors also go to a
CloudWatch log group. The image fetches its configuration from S3 when a task starts, because Fargate takes no other
way but an image of one's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.children import Children, Transform
from components.compute.fargate import Share, check_image, ecr_repository
from components.identity.key import DECRYPT_ACTIONS
from components.policy import Statement, statement
from components.refusal import Refusal

IMAGE_ACCOUNT = "906394416424"
"""From here Amazon serves the image in every region's ECR: private subnets have no way to public.ecr.aws."""

IMAGE_VERSION = "init-2.32.5.20250422"
"""`init-…`: the variant that fetches configuration files from S3."""

CONTAINER = "log-router"


@dataclass(frozen=True, kw_only=True)
class LogRouterArgs:
    """What the caller decides about the routing of logs."""

    configuration: Path
    """The folder of Fluent Bit files (`*.conf`)."""

    bucket_name: pulumi.Input[str]
    """The bucket from which tasks fetch the configuration. Nothing in it may expire: tasks start years later, too."""

    bucket_arn: pulumi.Input[str]
    """Its ARN."""

    bucket_key_arn: pulumi.Input[str] | None = None
    """The KMS key of that bucket, if it is one of ours."""

    archive_name: pulumi.Input[str]
    """The bucket that takes every record, under `app-logs/`. It must not need a KMS key."""

    archive_arn: pulumi.Input[str]
    """Its ARN."""

    image: str | None = None
    """The image, with tag or digest. None: the one that Amazon serves from ECR in the region."""

    cpu: int = 50
    """CPU units of each task that the router takes; 1024 are one processor."""

    memory: int = 128
    """MiB of each task that the router takes; it is killed, and the task with it, if it needs more."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if self.image is not None:
            check_image("image", self.image)
        if self.cpu < 1:
            raise Refusal("cpu", self.cpu, "is not allowed; use 1 or more CPU units, such as 50")
        if self.memory < 64:
            raise Refusal("memory", self.memory, "is too little for Fluent Bit; use 64 MiB or more, such as 128")


class LogRouter(pulumi.ComponentResource):
    """The configuration in S3, and what each task needs beside its application."""

    CHILDREN = ("configuration",)

    share: Share
    """What it takes of a task."""
    image: pulumi.Output[str]
    image_repository_arn: pulumi.Output[str] | None
    """The ECR repository of the image, if it lies in one."""

    def __init__(self, name: str, args: LogRouterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:compute:LogRouter", name, None, opts)
        self._args = args
        self._account = Account.of(self)
        self.share = Share(cpu=args.cpu, memory=args.memory)
        child = Children(self, args.transform, self.CHILDREN)
        self._objects = [
            aws.s3.BucketObjectv2(
                f"{name}-{path.stem}-configuration",
                bucket=args.bucket_name,
                # The content is part of the key, so that each revision of a task finds the files that it was made with.
                key=f"log-router/{_digest(path)}/{path.name}",
                content=path.read_text(encoding="utf-8"),
                content_type="text/plain",
                # An old revision must be able to start again: a roll-back needs its files.
                opts=child("configuration", retain_on_delete=True),
            )
            for path in sorted(args.configuration.glob("*.conf"))
        ]
        self.image = (
            pulumi.Output.from_input(args.image)
            if args.image
            else pulumi.Output.format(
                "{}.dkr.ecr.{}.amazonaws.com/aws-for-fluent-bit:{}", IMAGE_ACCOUNT, self._account.region, IMAGE_VERSION
            )
        )
        self.image_repository_arn = self._repository()
        self.register_outputs({"image": self.image})

    def container(
        self, service: str, error_log_group: pulumi.Input[str], own_logs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The container definition beside an application that logs as `service`."""
        environment: dict[str, pulumi.Input[str]] = {
            "ERROR_LOG_GROUP": error_log_group,
            "LOG_BUCKET": self._args.archive_name,
            "SERVICE": service,
        }
        for number, one in enumerate(self._objects, start=1):
            environment[f"aws_fluent_bit_init_s3_{number}"] = self._object_arn(one)
        return {
            "name": CONTAINER,
            "image": self.image,
            "cpu": self._args.cpu,
            "memory": self._args.memory,
            # Without it the application's records would go nowhere and nobody would know.
            "essential": True,
            "user": "0",
            # At its start it writes its configuration under /init, beside its own programs.
            "readonlyRootFilesystem": False,
            "stopTimeout": 120,
            "firelensConfiguration": {"type": "fluentbit", "options": {"enable-ecs-log-metadata": "true"}},
            "logConfiguration": dict(own_logs),
            "environment": [{"name": key, "value": value} for key, value in sorted(environment.items())],
        }

    def permissions(self, service: str, error_log_group_arn: pulumi.Input[str]) -> list[Statement]:
        """What the task's role must allow: its configuration, its part of the archive, its group of errors."""
        statements = [
            statement(
                "ReadTheLogRoutersConfiguration",
                actions="s3:GetObject",
                resources=[self._object_arn(one) for one in self._objects],
            ),
            # The image asks where the bucket is before it fetches from it.
            statement("FindTheConfiguration", actions="s3:GetBucketLocation", resources=self._args.bucket_arn),
            statement(
                "WriteAllRecords",
                actions="s3:PutObject",
                resources=pulumi.Output.concat(self._args.archive_arn, f"/app-logs/service={service}/*"),
            ),
            statement(
                "WriteErrors",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=pulumi.Output.concat(error_log_group_arn, ":*"),
            ),
        ]
        if self._args.bucket_key_arn is not None:
            statements.append(
                statement("DecryptTheConfiguration", actions=DECRYPT_ACTIONS, resources=self._args.bucket_key_arn)
            )
        return statements

    def _object_arn(self, one: aws.s3.BucketObjectv2) -> pulumi.Output[str]:
        return pulumi.Output.concat(self._args.bucket_arn, "/", one.key)

    def _repository(self) -> pulumi.Output[str] | None:
        if self._args.image is None:
            account, region, repository = IMAGE_ACCOUNT, self._account.region, "aws-for-fluent-bit"
        else:
            found = ecr_repository(self._args.image)
            if found is None:
                return None
            account, region, repository = found
        return pulumi.Output.format(
            "arn:{}:ecr:{}:{}:repository/{}", self._account.partition, region, account, repository
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
