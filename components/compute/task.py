"""A task: its size, its containers and its two roles. Container definitions are sorted and without nulls, so that no
update shows a difference that is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..args import ComponentArgs
from ..children import Children
from ..errors import ArgumentError, Mistake
from ..identity.key import AnyKey
from ..log_group import make_log_group, write_log
from ..policy import Statement, document, statement, trust
from ..values import LogRetentionDays, Port, text
from .access import Secret, read_secrets
from .fargate import Share, share_of_application, size_mistakes
from .live_image import Image
from .log_router import CONTAINER as LOG_ROUTER
from .log_router import LogRouter, LogRouterArgs
from .repository import PULL_ACTIONS
from .trace_collector import CONTAINER as TRACE_COLLECTOR
from .trace_collector import TraceCollectorArgs

CHILDREN = (
    "log_group", "execution_role", "execution_policy", "task_role", "task_policy", "task_definition",
)  # fmt: skip

APPLICATION = "app"
"""The application's container. FireLens tags its records `app-firelens-<task>`, which the log router's files match."""


class TaskArgs(ComponentArgs):
    """A Fargate task. In ap-northeast-1 it costs about $37 a month for each processor and $4 for each GiB (x86, on
    demand)."""

    cpu: int = 256
    """CPU units of a task, its sidecar included; 1024 are one processor."""

    memory: int = 512
    """MiB of a task, its sidecar included. Fargate has certain pairs of CPU and memory only."""

    architecture: Literal["X86_64", "ARM64"] = "X86_64"
    """What the image was built for. ARM64 costs a fifth less."""

    port: Port | None = None
    """The port on which the application listens; none for a worker."""

    command: list[str] = []
    """Runs instead of the image's own command."""

    user: Annotated[
        str,
        text(
            r"(?!(0|root)(:|$))[^:].*",
            "root may do everything in its container; use another user and group, such as 10001:10001",
        ),
    ] = "10001:10001"
    """Under which user and group of the container; not root."""

    environment: dict[str, str] = {}
    """Environment variables; nothing secret."""

    writable_paths: list[Annotated[str, text(r"/+[^/].*", "write a folder of the container, such as /tmp")]] = ["/tmp"]  # noqa: S108 a folder of the container
    """Folders that the application may write; they end with the task. The image declares each as a VOLUME owned by
    `user`, or only root may write there."""

    shell_access: bool = False
    """`aws ecs execute-command` into running tasks; without NAT the network needs the endpoints ecsExec.
    While it is on, whoever may execute commands acts with the task's role."""

    tracing: TraceCollectorArgs | None = None
    """A collector beside the application that hands its traces to X-Ray; null: none. Without NAT the network needs the
    endpoint xray."""

    log_retention_days: LogRetentionDays = 30
    """Days until a record in CloudWatch is deleted. In YAML left out: the stack's."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from size_mistakes(self.cpu, self.memory)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What was made for a service's tasks."""

    definition: aws.ecs.TaskDefinition
    task_role: aws.iam.Role
    """What the application may do."""
    execution_role: aws.iam.Role
    """With it ECS starts tasks; the application does not have it."""
    policies: Sequence[aws.iam.RolePolicy]
    errors: aws.cloudwatch.LogGroup
    """The group of ERROR and above; without a log router the group of everything."""


def make_task(
    prefix: str,
    args: TaskArgs,
    *,
    image: Image,
    environment: Mapping[str, pulumi.Input[str]],
    secrets: Mapping[str, Secret],
    log_router: LogRouter | None,
    log_name: str,
    logs_key: AnyKey | None,
    account: Account,
    child: Children,
) -> Task:
    """The definition with what it needs: log groups, the role that starts tasks and the role that they have."""
    for name in sorted({*args.environment, *environment} & set(secrets)):
        raise ArgumentError("secrets", name, "is also in environment; ECS takes a name once, remove one of them")

    def log_group(what: str) -> aws.cloudwatch.LogGroup:
        return make_log_group(
            f"{prefix}-{what}-log-group", f"/ecs/{prefix}/{what}", args.log_retention_days, logs_key, child("log_group")
        )

    errors = log_group("app" if log_router is None else "errors")
    own = errors if log_router is None else log_group(LOG_ROUTER)
    metrics = errors if log_router is None else log_group("metrics")
    execution_role, execution_policy = _role(
        prefix,
        "execution",
        f"With it ECS starts the tasks of {prefix}.",
        [
            write_log("WriteLogs", own.arn),
            *_pull(image, log_router, args.tracing, account),
            *read_secrets(secrets, "TheTasks", account),
        ],
        account,
        child,
    )
    # FireLens works with the role of the task, not with that of ECS.
    routes: list[Statement] = []
    if log_router is not None:
        routes = log_router.permissions(log_name, errors_arn=errors.arn, metrics_arn=metrics.arn)
    task_role, task_policy = _role(
        prefix,
        "task",
        f"What the application {prefix} may do.",
        [
            *routes,
            *([_OPEN_A_SHELL] if args.shell_access else []),
            *(args.tracing.permissions() if args.tracing is not None else []),
        ],
        account,
        child,
    )
    to_cloudwatch = {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": own.name,
            "awslogs-region": account.region,
            "awslogs-stream-prefix": "task",
            # A full buffer drops records instead of stopping the application.
            "mode": "non-blocking",
            "max-buffer-size": "4m",
        },
    }
    containers = [
        application_container(
            args,
            image=image.uri,
            share=share_of_application(args.cpu, args.memory, *(one.share for one in _sidecars(args, log_router))),
            environment={
                **(args.tracing.environment(prefix) if args.tracing is not None else {}),
                **environment,
                **args.environment,
            },
            secrets=secrets,
            log_configuration=_TO_ROUTER if log_router else to_cloudwatch,
            waits_for=[
                *([LOG_ROUTER] if log_router is not None else []),
                *([TRACE_COLLECTOR] if args.tracing is not None else []),
            ],
        )
    ]
    if log_router is not None:
        containers.append(
            log_router.container(log_name, errors=errors.name, metrics=metrics.name, own_logs=to_cloudwatch)
        )
    if args.tracing is not None:
        containers.append(args.tracing.container(to_cloudwatch, account.region))
    definition = aws.ecs.TaskDefinition(
        f"{prefix}-task-definition",
        family=prefix,
        requires_compatibilities=["FARGATE"],
        network_mode="awsvpc",
        cpu=str(args.cpu),
        memory=str(args.memory),
        execution_role_arn=execution_role.arn,
        task_role_arn=task_role.arn,
        runtime_platform=aws.ecs.TaskDefinitionRuntimePlatformArgs(
            cpu_architecture=args.architecture, operating_system_family="LINUX"
        ),
        container_definitions=pulumi.Output.json_dumps(
            sorted(containers, key=lambda container: container["name"]), sort_keys=True
        ),
        volumes=[aws.ecs.TaskDefinitionVolumeArgs(name=_volume_name(path)) for path in sorted(args.writable_paths)],
        # Every revision stays, so that a roll-back finds the one before.
        skip_destroy=True,
        opts=child("task_definition"),
    )
    return Task(
        definition=definition,
        task_role=task_role,
        execution_role=execution_role,
        policies=[policy for policy in (execution_policy, task_policy) if policy is not None],
        errors=errors,
    )


def _sidecars(args: TaskArgs, log_router: LogRouter | None) -> Iterator[LogRouterArgs | TraceCollectorArgs]:
    if log_router is not None:
        yield log_router.args
    if args.tracing is not None:
        yield args.tracing


# What waits for the router while it is busy, in bytes.
_TO_ROUTER = {"logDriver": "awsfirelens", "options": {"log-driver-buffer-limit": str(8 * 1024 * 1024)}}


def application_container(
    args: TaskArgs,
    *,
    image: pulumi.Input[str],
    share: Share,
    environment: Mapping[str, pulumi.Input[str]],
    secrets: Mapping[str, Secret],
    log_configuration: Mapping[str, Any],
    waits_for: Sequence[str],
) -> dict[str, Any]:
    """The definition of the application's container."""
    definition: dict[str, Any] = {
        "name": APPLICATION,
        "image": image,
        "cpu": share.cpu,
        "memory": share.memory,
        "essential": True,
        "user": args.user,
        # Whoever breaks in can leave nothing behind.
        "readonlyRootFilesystem": True,
        "linuxParameters": {"initProcessEnabled": True},
        # Seconds between SIGTERM and SIGKILL, the most that Fargate gives: requests end, logs leave.
        "stopTimeout": 120,
        "logConfiguration": dict(log_configuration),
        "environment": [{"name": name, "value": value} for name, value in sorted(environment.items())],
        "secrets": [{"name": name, "valueFrom": secret.reference} for name, secret in sorted(secrets.items())],
        "mountPoints": [
            {"sourceVolume": _volume_name(path), "containerPath": path, "readOnly": False}
            for path in sorted(args.writable_paths)
        ],
    }
    if args.port is not None:
        definition["portMappings"] = [{"containerPort": args.port, "hostPort": args.port, "protocol": "tcp"}]
    if args.command:
        definition["command"] = args.command
    if waits_for:
        # Also the order of the end: the application stops first, and its last words are still routed.
        definition["dependsOn"] = [{"containerName": name, "condition": "START"} for name in sorted(waits_for)]
    return definition


def _volume_name(path: str) -> str:
    """The volume behind a path that the application may write."""
    return path.strip("/").replace("/", "-")


# --- Permissions -----------------------------------------------------------------------------------------------------

# The channel of a shell; the actions know no resources.
_OPEN_A_SHELL = statement(
    "OpenAShell",
    actions=[
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    ],
    resources="*",
)


def _pull(
    image: Image, log_router: LogRouter | None, tracing: TraceCollectorArgs | None, account: Account
) -> list[Statement]:
    arns = [
        image.repository_arn(account),
        log_router.image_repository_arn if log_router is not None else None,
        tracing.repository_arn(account) if tracing is not None else None,
    ]
    repositories = [arn for arn in arns if arn is not None]
    if not repositories:
        return []
    return [
        # A token for the registry; the action knows no resource.
        statement("LogInToTheRegistry", actions="ecr:GetAuthorizationToken", resources="*"),
        statement("PullImages", actions=PULL_ACTIONS, resources=repositories),
    ]


def _role(
    prefix: str,
    kind: Literal["execution", "task"],
    description: str,
    statements: Sequence[Statement],
    account: Account,
    child: Children,
) -> tuple[aws.iam.Role, aws.iam.RolePolicy | None]:
    role = aws.iam.Role(
        f"{prefix}-{kind}-role",
        description=description,
        assume_role_policy=trust(
            "ecs-tasks.amazonaws.com", source_account=account.id, source_arn=account.arn("ecs", "*")
        ),
        opts=child(f"{kind}_role"),
    )
    if not statements:
        return role, None
    policy = aws.iam.RolePolicy(
        f"{prefix}-{kind}-policy", role=role.id, policy=document(*statements), opts=child(f"{kind}_policy")
    )
    return role, policy
