"""The log router: Fluent Bit beside each application, configured by the files in `workloads/log-router`.

FireLens hands it what the application prints. Everything goes to S3, compressed and by the hour; errors also go to a
CloudWatch log group, and lines in CloudWatch's embedded metric format to another, where it makes metrics of them. The
image fetches its configuration from S3 when a task starts, because Fargate takes no other way but an own image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..args import ComponentArgs
from ..component import Component
from ..data.bucket import Bucket
from ..identity.key import DECRYPT_ACTIONS, AnyKey
from ..log_group import write_log
from ..policy import Statement, statement
from .fargate import ImageUri, Share, ecr_repository
from .live_image import ecr_arn

IMAGE_ACCOUNT = "906394416424"
"""From here Amazon serves the image in every region's ECR: private subnets have no way to public.ecr.aws."""

IMAGE_VERSION = "init-3.4.17"
"""Fluent Bit 5. `init-…`: the variant that fetches configuration files from S3. The 2.x line, Fluent Bit 1.9, gives S3
up after five tries within seconds and ended in June 2026. `make upgrade` raises it within its line."""

CONTAINER = "log-router"

ENTRY_POINT = "/init/fluent_bit_init_entrypoint.sh"
"""What the image runs by itself: it fetches the files, then becomes Fluent Bit."""

USER = "10001:10001"
"""FireLens takes any user since ECS agent 1.96 (aws/containers-roadmap#2122), and the image then writes what it fetches
to /tmp instead of /init (aws/aws-for-fluent-bit#955)."""


class LogRouterArgs(ComponentArgs):
    """Fluent Bit beside each task, which pays for it with a part of its own size."""

    image: ImageUri | None = None
    """The image, with tag or digest; an `init` variant. Left out: the one that Amazon serves from ECR in the region;
    private subnets without NAT reach images in ECR only."""

    cpu: Annotated[int, Field(ge=1)] = 50
    """CPU units of each task that the router takes; 1024 are one processor."""

    memory: Annotated[int, Field(ge=64)] = 128
    """MiB of each task that the router takes; it is killed, and the task with it, if it needs more."""

    @property
    def share(self) -> Share:
        """What it takes of a task."""
        return Share(cpu=self.cpu, memory=self.memory)


class LogRouter(Component):
    """The configuration in S3, and what each task needs beside its application."""

    CHILDREN = ("configuration",)

    args: LogRouterArgs
    image: pulumi.Output[str]
    image_repository_arn: pulumi.Output[str] | None
    """The ECR repository of the image, if it lies in one."""

    def __init__(
        self,
        name: str,
        args: LogRouterArgs,
        *,
        files: Path,
        bucket: Bucket,
        archive: Bucket,
        key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param files: The folder of Fluent Bit files (`*.conf`) and of `run.sh`, which starts it and stops it.
        :param bucket: From where tasks fetch those. Nothing in it may expire: tasks start years later, too.
        :param archive: Takes every record, under `app-logs/`. It must not need a KMS key.
        :param key: What encrypts `bucket`, if it is a key of ours.
        """
        super().__init__(name, args, opts)
        self.args, self._bucket, self._archive, self._key = args, bucket, archive, key
        self._account = Account.of(self)
        self._run = (files / "run.sh").read_text(encoding="utf-8")
        self._objects = [
            aws.s3.BucketObjectv2(
                f"{name}-{path.stem}-configuration",
                bucket=bucket.name,
                # The content is part of the key, so that each revision of a task finds the files that it was made with.
                key=f"log-router/{_digest(path)}/{path.name}",
                content=path.read_text(encoding="utf-8"),
                content_type="text/plain",
                # An old revision must be able to start again: a roll-back needs its files.
                opts=self._child("configuration", retain_on_delete=True),
            )
            for path in sorted(files.glob("*.conf"))
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
        self,
        service: str,
        *,
        errors: pulumi.Input[str],
        metrics: pulumi.Input[str],
        own_logs: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The container definition beside an application that logs as `service`.

        :param errors: The log group of ERROR and above.
        :param metrics: The log group of what the application counts; not of the class INFREQUENT_ACCESS, which makes no
            metrics.
        :param own_logs: Where its own log goes.
        """
        environment: dict[str, pulumi.Input[str]] = {
            "ERROR_LOG_GROUP": errors,
            "LOG_BUCKET": self._archive.name,
            "METRICS_LOG_GROUP": metrics,
            "SERVICE": service,
        }
        for number, one in enumerate(self._objects, start=1):
            environment[f"aws_fluent_bit_init_s3_{number}"] = self._object_arn(one)
        return {
            "name": CONTAINER,
            "image": self.image,
            "cpu": self.args.cpu,
            "memory": self.args.memory,
            # Without it the application's records would go nowhere and nobody would know.
            "essential": True,
            "user": USER,
            # It keeps what waits under /tmp. A volume there would belong to root, and the image declares none.
            "readonlyRootFilesystem": False,
            "entryPoint": ["/bin/bash", "-c", self._run, CONTAINER],
            "command": [ENTRY_POINT],
            "stopTimeout": 120,
            "firelensConfiguration": {"type": "fluentbit", "options": {"enable-ecs-log-metadata": "true"}},
            "logConfiguration": dict(own_logs),
            "environment": [{"name": key, "value": value} for key, value in sorted(environment.items())],
        }

    def permissions(
        self, service: str, *, errors_arn: pulumi.Input[str], metrics_arn: pulumi.Input[str]
    ) -> list[Statement]:
        """What the task's role must allow: its configuration, its part of the archive, its two log groups."""
        statements = [
            statement(
                "ReadTheLogRoutersConfiguration",
                actions="s3:GetObject",
                resources=[self._object_arn(one) for one in self._objects],
            ),
            # The image asks where the bucket is before it fetches from it.
            statement("FindTheConfiguration", actions="s3:GetBucketLocation", resources=self._bucket.arn),
            statement(
                "WriteAllRecords",
                actions="s3:PutObject",
                resources=pulumi.Output.concat(self._archive.arn, f"/app-logs/service={service}/*"),
            ),
            write_log("WriteErrors", errors_arn),
            write_log("WriteMetrics", metrics_arn),
        ]
        if self._key is not None:
            statements.append(statement("DecryptTheConfiguration", actions=DECRYPT_ACTIONS, resources=self._key.arn))
        return statements

    def _object_arn(self, one: aws.s3.BucketObjectv2) -> pulumi.Output[str]:
        return pulumi.Output.concat(self._bucket.arn, "/", one.key)

    def _repository(self) -> pulumi.Output[str] | None:
        if self.args.image is None:
            return ecr_arn(self._account, IMAGE_ACCOUNT, self._account.region, "aws-for-fluent-bit")
        found = ecr_repository(self.args.image)
        return ecr_arn(self._account, *found) if found is not None else None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
