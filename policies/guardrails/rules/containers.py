"""Images, tasks and services."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from guardrails.kit import (
    ADVISORY,
    MANDATORY,
    MANDATORY_IN_PROD,
    NotYetKnown,
    Props,
    aws,
    example,
    graph_rule,
    ref,
    rule,
    setting,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

REPOSITORY = "aws:ecr/repository:Repository"
IMAGE_LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
SERVICE = "aws:ecs/service:Service"
CLUSTER = "aws:ecs/cluster:Cluster"

# What a variable that holds a secret is called; what only says where one is, is none.
_SECRET_NAME = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL)S?$", re.IGNORECASE)
FEWEST_TASKS = 2


def holds_a_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret, and not only the name or the address of one."""
    return bool(_SECRET_NAME.search(name))


def _containers(task: Resource) -> Iterator[Props]:
    """The containers, known at a preview only as far as the whole text is. Raises NotYetKnown."""
    text = task.props.get("containerDefinitions")
    try:
        found = json.loads(text) if isinstance(text, str) else []
    except ValueError:
        return
    yield from (Props(each) for each in found if isinstance(each, dict))


def _name(container: Props) -> str:
    return str(container.get("name", "?"))


def _task(*containers: dict[str, Any], **props: Any) -> Any:
    given = [{"name": "app", "image": "app:1", **each} for each in containers]
    return aws("ecs/taskDefinition:TaskDefinition", {"containerDefinitions": json.dumps(given), **props})


def _service(**props: Any) -> Any:
    return aws("ecs/service:Service", props)


_immutable = setting(
    id="image-tags-fixed",
    title="A tag always means the same image",
    types=(REPOSITORY,),
    path="imageTagMutability",
    wanted=("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"),
    wrong="MUTABLE",
    says="tags can be moved to another image",
    why="What was tested under a tag is what is deployed under it.",
    level=MANDATORY,
    severity="medium",
    topics=("secrets",),
    references=("P", "C51"),
    remedy="Set imageTagMutability to IMMUTABLE.",
    mends=True,
)

_scanned = setting(
    id="image-scan",
    title="Images are scanned when they are pushed",
    types=(REPOSITORY,),
    path="imageScanningConfiguration.scanOnPush",
    wanted=(True,),
    wrong=False,
    says="images are not scanned",
    why="Known faults in packages are named by AWS, without cost.",
    level=MANDATORY,
    severity="medium",
    topics=("secrets",),
    references=("P", "C163"),
    remedy="Set imageScanningConfiguration.scanOnPush.",
    mends=True,
)


@rule(
    id="image-key",
    title="Images are encrypted with a KMS key",
    types=(REPOSITORY,),
    level=MANDATORY_IN_PROD,
    severity="low",
    topics=("at rest",),
    references=("P", "C136"),
    remedy="Set encryptionConfigurations with encryptionType KMS and kmsKey; it replaces the repository.",
    compliant=[example(aws("ecr/repository:Repository", {"encryptionConfigurations": [{"encryptionType": "KMS"}]}))],
    non_compliant=[
        example(aws("ecr/repository:Repository")),
        example(aws("ecr/repository:Repository", {"encryptionConfigurations": [{"encryptionType": "AES256"}]})),
    ],
)
def image_key(repository: Resource, _at: Context) -> Iterator[str]:
    """ECR encrypts with a key of its own; only a key of ours can be taken away from a reader."""
    blocks = list(repository.props.items("encryptionConfigurations").blocks())
    if not any(block.get("encryptionType") in ("KMS", "KMS_DSSE") for block in blocks):
        yield "no KMS key is used"


@graph_rule(
    id="image-expiry",
    title="Old images expire",
    types=(REPOSITORY,),
    level=ADVISORY,
    severity="low",
    topics=("cost",),
    references=("A",),
    remedy="Add a LifecyclePolicy to the repository.",
    compliant=[
        example(
            aws("ecr/repository:Repository", name="images"),
            aws("ecr/lifecyclePolicy:LifecyclePolicy", {"repository": ref("images"), "policy": "{}"}, name="expiry"),
        )
    ],
    non_compliant=[example(aws("ecr/repository:Repository", name="images"))],
)
def image_expiry(repository: Resource, at: Context) -> Iterator[str]:
    """Each push adds an image, at $0.10 a GB and month."""
    if not at.graph.children(repository, IMAGE_LIFECYCLE, via="repository"):
        yield "images are kept for ever"


@rule(
    id="task-no-public-address",
    title="Tasks have no public address",
    types=(SERVICE,),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    references=("C333", "F ECS.2"),
    remedy="Leave networkConfiguration.assignPublicIp off; a load balancer leads to the tasks.",
    remediate=lambda _service, _at: {"networkConfiguration": {"assignPublicIp": False}},
    compliant=[
        example(_service(networkConfiguration={"subnets": ["subnet-1"]})),
        example(_service(networkConfiguration={"subnets": ["subnet-1"], "assignPublicIp": False})),
    ],
    non_compliant=[example(_service(networkConfiguration={"subnets": ["subnet-1"], "assignPublicIp": True}))],
)
def task_no_public_address(service: Resource, _at: Context) -> Iterator[str]:
    """What has an address is asked by everybody."""
    if service.props.get("networkConfiguration.assignPublicIp"):
        yield "each task gets a public address"


@rule(
    id="cluster-insights",
    title="Clusters measure their tasks",
    types=(CLUSTER,),
    level=MANDATORY,
    severity="low",
    topics=("logging",),
    references=("N-ECS4", "C65"),
    remedy="Add the setting containerInsights with enabled or enhanced.",
    compliant=[example(aws("ecs/cluster:Cluster", {"settings": [{"name": "containerInsights", "value": "enabled"}]}))],
    non_compliant=[
        example(aws("ecs/cluster:Cluster")),
        example(aws("ecs/cluster:Cluster", {"settings": [{"name": "containerInsights", "value": "disabled"}]})),
    ],
)
def cluster_insights(cluster: Resource, _at: Context) -> Iterator[str]:
    """Container Insights: CPU, memory and restarts of each task."""
    given = {block.get("name"): block.get("value") for block in cluster.props.items("settings").blocks()}
    if given.get("containerInsights") not in ("enabled", "enhanced"):
        yield "Container Insights is off"


@rule(
    id="container-logs",
    title="Containers log somewhere",
    types=(TASK,),
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("N-ECS7",),
    remedy="Give each container a logConfiguration.",
    compliant=[example(_task({"logConfiguration": {"logDriver": "awslogs"}}))],
    non_compliant=[example(_task({})), example(_task({"logConfiguration": {"logDriver": "awslogs"}}, {"name": "x"}))],
)
def container_logs(task: Resource, _at: Context) -> Iterator[str]:
    """On Fargate what is not sent is gone with the task."""
    for container in _containers(task):
        if not container.has("logConfiguration"):
            yield f"the container {_name(container)} has no logConfiguration"


@rule(
    id="container-unprivileged",
    title="Containers have no rights over their machine",
    types=(TASK,),
    level=MANDATORY,
    severity="critical",
    topics=("IAM",),
    references=("C334", "C335"),
    remedy="Leave privileged off, and pidMode and networkMode away from `host`.",
    compliant=[example(_task({"privileged": False}, networkMode="awsvpc"))],
    non_compliant=[
        example(_task({"privileged": True})),
        example(_task({}, pidMode="host")),
        example(_task({}, networkMode="host")),
    ],
)
def container_unprivileged(task: Resource, _at: Context) -> Iterator[str]:
    """A privileged container, or one that sees the processes or the network of its machine, is the machine."""
    for mode in ("pidMode", "networkMode"):
        if task.props.maybe(mode) == "host":
            yield f"{mode} is host"
    for container in _containers(task):
        if container.get("privileged"):
            yield f"the container {_name(container)} is privileged"


@rule(
    id="container-read-only",
    title="Containers cannot change their own files",
    types=(TASK,),
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("C336",),
    remedy="Set readonlyRootFilesystem, and mount a volume where the program writes.",
    compliant=[example(_task({"readonlyRootFilesystem": True}, {"firelensConfiguration": {"type": "fluentbit"}}))],
    non_compliant=[example(_task({})), example(_task({"readonlyRootFilesystem": False}))],
)
def container_read_only(task: Resource, _at: Context) -> Iterator[str]:
    """Whoever gets in can leave nothing behind. A log router writes its configuration where ECS expects it."""
    for container in _containers(task):
        if not container.get("readonlyRootFilesystem") and not container.has("firelensConfiguration"):
            yield f"the container {_name(container)} may write to its root file system"


@rule(
    id="container-no-plain-secrets",
    title="No secret is written into a container's environment",
    types=(TASK,),
    level=MANDATORY,
    severity="high",
    topics=("secrets",),
    references=("N-ECS2", "C45", "C46"),
    remedy="Name the secret's ARN in `secrets`: ECS reads it when the task starts.",
    compliant=[
        example(_task({"secrets": [{"name": "DB_PASSWORD", "valueFrom": "arn:aws:secretsmanager:::secret:db"}]})),
        example(_task({"environment": [{"name": "DB_SECRET_ARN", "value": "arn:aws:secretsmanager:::secret:db"}]})),
    ],
    non_compliant=[example(_task({"environment": [{"name": "DB_PASSWORD", "value": "letmein"}]}))],
)
def container_no_plain_secrets(task: Resource, _at: Context) -> Iterator[str]:
    """Judged by the name of the variable. Task definitions are kept for ever and read by whoever may describe them."""
    for container in _containers(task):
        for variable in container.items("environment").blocks():
            if holds_a_secret(variable.text("name")) and variable.text("value"):
                yield f"the container {_name(container)} gets {variable.text('name')} as plain text"


@rule(
    id="task-roles-differ",
    title="A program does not run with the rights to start it",
    types=(TASK,),
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("C249",),
    remedy="Make two roles: executionRoleArn pulls images and reads secrets, taskRoleArn is the program's.",
    compliant=[example(_task({}, taskRoleArn="arn:a", executionRoleArn="arn:b")), example(_task({}))],
    non_compliant=[example(_task({}, taskRoleArn="arn:a", executionRoleArn="arn:a"))],
)
def task_roles_differ(task: Resource, _at: Context) -> Iterator[str]:
    """Otherwise the program may read every secret that any of its containers is started with."""
    role = task.props.get("taskRoleArn")
    if role and role == task.props.get("executionRoleArn"):
        yield "taskRoleArn and executionRoleArn are one role"


_ANSWERS: dict[str, Any] = {"loadBalancers": [{"containerName": "app", "containerPort": 80, "targetGroupArn": "arn"}]}


@rule(
    id="service-circuit-breaker",
    title="In production, a deployment that fails goes back by itself",
    types=(SERVICE,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    environments=("prod",),
    remedy="Set deploymentCircuitBreaker with enable and rollback.",
    compliant=[
        example(_service(deploymentCircuitBreaker={"enable": True, "rollback": True}), environment="prod"),
        example(_service(deploymentController={"type": "CODE_DEPLOY"}), environment="prod"),
    ],
    non_compliant=[
        example(_service(), environment="prod"),
        example(_service(deploymentCircuitBreaker={"enable": True, "rollback": False}), environment="prod"),
    ],
)
def service_circuit_breaker(service: Resource, _at: Context) -> Iterator[str]:
    """Without it ECS starts the broken version again and again for hours. CodeDeploy has its own way back."""
    if service.props.get("deploymentController.type", "ECS") != "ECS":
        return
    if not (
        service.props.get("deploymentCircuitBreaker.enable") and service.props.get("deploymentCircuitBreaker.rollback")
    ):
        yield "a failed deployment is not taken back"


@rule(
    id="service-two-tasks",
    title="In production, the loss of one task is not the loss of what answers",
    types=(SERVICE,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    environments=("prod",),
    remedy=f"Set desiredCount to {FEWEST_TASKS} or more, and name subnets in two zones.",
    compliant=[
        example(_service(**_ANSWERS, desiredCount=2, networkConfiguration={"subnets": ["a", "b"]}), environment="prod"),
        example(_service(desiredCount=1, networkConfiguration={"subnets": ["a", "b"]}), environment="prod"),
        example(_service(schedulingStrategy="DAEMON"), environment="prod"),
    ],
    non_compliant=[
        example(_service(**_ANSWERS, desiredCount=1, networkConfiguration={"subnets": ["a", "b"]}), environment="prod"),
        example(_service(desiredCount=2, networkConfiguration={"subnets": ["a"]}), environment="prod"),
    ],
)
def service_two_tasks(service: Resource, _at: Context) -> Iterator[str]:
    """Two tasks behind a load balancer, in subnets of two zones. What waits for messages may come back a minute later,
    and a service that starts none by itself is left alone."""
    if service.props.get("schedulingStrategy") == "DAEMON":
        return
    count = service.props.number("desiredCount")
    if count is not None and 0 < count < FEWEST_TASKS and service.props.has("loadBalancers"):
        yield "one task is wanted"
    try:
        subnets = service.props.items("networkConfiguration.subnets")
    except NotYetKnown:
        return
    if len(subnets) == 1:
        yield "all tasks stand in one subnet"


RULES = (
    _immutable,
    _scanned,
    image_key,
    image_expiry,
    task_no_public_address,
    cluster_insights,
    container_logs,
    container_unprivileged,
    container_read_only,
    container_no_plain_secrets,
    task_roles_differ,
    service_circuit_breaker,
    service_two_tasks,
)
