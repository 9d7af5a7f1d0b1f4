"""The containers of a task, as data: sorted and without nulls, so that no update shows a difference that is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

from components.compute.fargate import Share
from components.refusal import Refusal

APPLICATION = "app"
"""The application's container. FireLens tags its records `app-firelens-<task>`, which the log router's files match."""


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A value that ECS puts into the application's environment when a task starts."""

    arn: pulumi.Input[str]
    """The secret, or the parameter."""

    store: Literal["secretsmanager", "ssm"] = "secretsmanager"
    """Secrets Manager, or Parameter Store, which a task without NAT reaches only through the endpoint `ssm`."""

    json_key: str = ""
    """One key of a secret that holds a JSON object; empty means the whole secret."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key that encrypts it, if it is one of ours."""

    @property
    def reference(self) -> pulumi.Output[str]:
        """The ARN as a container definition takes it."""
        arn = pulumi.Output.from_input(self.arn)
        return pulumi.Output.concat(arn, f":{self.json_key}::") if self.json_key else arn


def application_container(
    *,
    image: pulumi.Input[str],
    share: Share,
    port: int | None,
    command: Sequence[str],
    user: str,
    environment: Mapping[str, pulumi.Input[str]],
    secrets: Mapping[str, Secret],
    writable_paths: Sequence[str],
    log_configuration: Mapping[str, Any],
    waits_for: str | None,
) -> dict[str, Any]:
    """The definition of the application's container."""
    definition: dict[str, Any] = {
        "name": APPLICATION,
        "image": image,
        "cpu": share.cpu,
        "memory": share.memory,
        "essential": True,
        "user": user,
        # Whoever breaks in can leave nothing behind.
        "readonlyRootFilesystem": True,
        "linuxParameters": {"initProcessEnabled": True},
        # Seconds between SIGTERM and SIGKILL, the most that Fargate gives: requests end, logs leave.
        "stopTimeout": 120,
        "logConfiguration": dict(log_configuration),
        "environment": [{"name": name, "value": value} for name, value in sorted(environment.items())],
        "secrets": [{"name": name, "valueFrom": secret.reference} for name, secret in sorted(secrets.items())],
        "mountPoints": [
            {"sourceVolume": volume_name(path), "containerPath": path, "readOnly": False}
            for path in sorted(writable_paths)
        ],
    }
    if port is not None:
        definition["portMappings"] = [{"containerPort": port, "hostPort": port, "protocol": "tcp"}]
    if command:
        definition["command"] = list(command)
    if waits_for is not None:
        # Also the order of the end: the application stops first, and its last words are still routed.
        definition["dependsOn"] = [{"containerName": waits_for, "condition": "START"}]
    return definition


def volume_name(path: str) -> str:
    """The volume behind a path that the application may write."""
    return path.strip("/").replace("/", "-")


def check_task(
    *,
    port: int | None,
    user: str,
    environment: Mapping[str, object],
    secrets: Mapping[str, object],
    writable_paths: Sequence[str],
) -> None:
    """Refuse what ECS would refuse, or what would run as nobody meant it."""
    if port is not None and not 1 <= port <= 65535:
        raise Refusal("port", port, "is not a port; use 1 to 65535")
    if user.partition(":")[0] in {"", "0", "root"}:
        raise Refusal("user", user, "may do everything in its container; use another, such as 10001:10001")
    for name in sorted(set(environment) & set(secrets)):
        raise Refusal("secrets", name, "is also in environment; ECS takes a name once, remove one of them")
    for path in writable_paths:
        if not path.startswith("/") or path.strip("/") == "":
            raise Refusal("writable_paths", path, "is not a folder of the container; write one such as /tmp")
