"""The collector of traces: AWS's distribution of OpenTelemetry beside an application, which hands what it is told to
X-Ray. Not X-Ray's own daemon: that and X-Ray's SDKs are in maintenance since February 2026
(https://docs.aws.amazon.com/xray/latest/devguide/xray-sdk-daemon-timeline.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final

import pulumi
from pydantic import Field

from ..account import Account
from ..args import Args
from ..policy import Statement
from .access import SEND_TRACES
from .fargate import ImageUri, Share, ecr_repository
from .live_image import ecr_arn

IMAGE: Final = "public.ecr.aws/aws-observability/aws-otel-collector:v0.48.0"
"""Of May 2026. AWS serves it from the public registry only, which has no endpoint in a network without NAT."""

CONTAINER: Final = "trace-collector"

USER: Final = "10001:10001"

DAEMON: Final = "127.0.0.1:2000"

CONFIGURATION: Final = {
    "exporters": {"awsxray": {}},
    "processors": {"batch": {"send_batch_size": 50, "timeout": "1s"}},
    "receivers": {
        "awsxray": {"endpoint": DAEMON, "proxy_server": {"endpoint": DAEMON}, "transport": "udp"},
        "otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:4318"}}},
    },
    "service": {
        "pipelines": {"traces": {"exporters": ["awsxray"], "processors": ["batch"], "receivers": ["awsxray", "otlp"]}}
    },
}
"""OpenTelemetry's format and X-Ray's own in, as its daemon takes it, X-Ray's out, for this task alone. Of those in the
image, ecs-xray.yaml takes the first only (aws-observability/aws-otel-collector, config/ecs), and the others gather
metrics, which would want permissions to write into CloudWatch."""


class TraceCollectorArgs(Args):
    """Traces of a service, which its code gives by OpenTelemetry or in X-Ray's own format; $5 for a million that are
    kept."""

    image: ImageUri = IMAGE
    """The collector's image. Where there is no NAT: a copy in ECR."""

    cpu: Annotated[int, Field(ge=1)] = 32
    """CPU units of each task that the collector takes; 1024 are one processor."""

    memory: Annotated[int, Field(ge=64)] = 128
    """MiB of each task that the collector takes; it is killed, and begins anew, if it needs more."""

    sample_percent: Annotated[float, Field(ge=0, le=100)] = 10
    """Share of the requests that begin here and are traced; those that come with a decision keep it. In YAML left out:
    that of the section tracing."""

    @property
    def share(self) -> Share:
        """What it takes of a task."""
        return Share(cpu=self.cpu, memory=self.memory)

    def environment(self, service: str) -> dict[str, str]:
        """What OpenTelemetry's SDK in the application reads, or X-Ray's: where the collector listens, who it is, how
        much it traces."""
        return {
            "AWS_XRAY_DAEMON_ADDRESS": DAEMON,
            "AWS_XRAY_TRACING_NAME": service,
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            # X-Ray's header, which load balancers and API Gateway set, and the standard's.
            "OTEL_PROPAGATORS": "xray,tracecontext,baggage",
            "OTEL_SERVICE_NAME": service,
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": f"{self.sample_percent / 100:g}",
        }

    def container(self, logs: Mapping[str, Any], region: pulumi.Input[str]) -> dict[str, Any]:
        """The container definition beside the application."""
        return {
            "name": CONTAINER,
            "image": self.image,
            "cpu": self.cpu,
            "memory": self.memory,
            # Without traces the application still answers; what ends is started again, after a minute at the earliest.
            "essential": False,
            "restartPolicy": {"enabled": True, "restartAttemptPeriod": 60},
            "user": USER,
            "readonlyRootFilesystem": True,
            "stopTimeout": 120,
            "logConfiguration": dict(logs),
            "environment": [
                # Instead of a file: JSON is YAML, too.
                {"name": "AOT_CONFIG_CONTENT", "value": json.dumps(CONFIGURATION, sort_keys=True)},
                {"name": "AWS_REGION", "value": region},
            ],
        }

    def permissions(self) -> list[Statement]:
        """What the task's role must allow."""
        return [SEND_TRACES]

    def repository_arn(self, account: Account) -> pulumi.Output[str] | None:
        """The ECR repository of the image, if it lies in one."""
        found = ecr_repository(self.image)
        return ecr_arn(account, *found) if found is not None else None
