"""Images, tasks and services."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from guardrails import types
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


# What a variable that holds a secret is called; what only says where one is, is none.
_SECRET_NAME = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL)S?$", re.IGNORECASE)
# How many tokens a model may read or write is none either.
_COUNT_OF_TOKENS = re.compile(r"(^|_)(MAX|MIN|INPUT|OUTPUT|TOTAL)(_\w+)?_TOKENS$", re.IGNORECASE)
FEWEST_TASKS = 2


def holds_a_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret, and not only the name or the address of one."""
    return bool(_SECRET_NAME.search(name)) and not _COUNT_OF_TOKENS.search(name)


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


image_tags_fixed = setting(
    id="image-tags-fixed",
    title="Image tags are immutable",
    types=(types.ECR_REPOSITORY,),
    path="imageTagMutability",
    allowed=("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"),
    wrong="MUTABLE",
    message="tags can be moved to another image",
    description="What was tested under a tag is what is deployed under it.",
    level=MANDATORY,
    severity="medium",
    topics=("secrets",),
    references=("P", "C51"),
    remedy="Set imageTagMutability to IMMUTABLE.",
    remediates=True,
)

image_scan = setting(
    id="image-scan",
    title="Images are scanned when they are pushed",
    types=(types.ECR_REPOSITORY,),
    path="imageScanningConfiguration.scanOnPush",
    allowed=(True,),
    wrong=False,
    message="images are not scanned",
    description="AWS reports known vulnerabilities in packages, without cost.",
    level=MANDATORY,
    severity="medium",
    topics=("secrets",),
    references=("P", "C163"),
    remedy="Set imageScanningConfiguration.scanOnPush.",
    remediates=True,
)


@rule(
    id="image-key",
    title="Images are encrypted with a KMS key",
    types=(types.ECR_REPOSITORY,),
    level=MANDATORY_IN_PROD,
    severity="low",
    topics=("at rest",),
    references=("P", "C136"),
    remedy="Set encryptionConfigurations with encryptionType KMS and kmsKey; it replaces the repository.",
)
def image_key(repository: Resource, _at: Context) -> Iterator[str]:
    """ECR encrypts with a key of its own; only a customer-managed key can be withheld from a reader."""
    blocks = list(repository.props.items("encryptionConfigurations").blocks())
    if not any(block.get("encryptionType") in ("KMS", "KMS_DSSE") for block in blocks):
        yield "no KMS key is used"


image_key.examples(
    compliant=[aws("ecr/repository:Repository", {"encryptionConfigurations": [{"encryptionType": "KMS"}]})],
    non_compliant=[
        aws("ecr/repository:Repository"),
        aws("ecr/repository:Repository", {"encryptionConfigurations": [{"encryptionType": "AES256"}]}),
    ],
)


@graph_rule(
    id="image-expiry",
    title="Old images expire",
    types=(types.ECR_REPOSITORY,),
    level=ADVISORY,
    severity="low",
    topics=("cost",),
    references=("A",),
    remedy="Add a LifecyclePolicy to the repository.",
)
def image_expiry(repository: Resource, at: Context) -> Iterator[str]:
    """Each push adds an image, at $0.10 a GB and month."""
    if not at.graph.children(repository, types.LIFECYCLE_POLICY, via="repository"):
        yield "images are kept for ever"


image_expiry.examples(
    compliant=[
        example(
            aws("ecr/repository:Repository", name="images"),
            aws("ecr/lifecyclePolicy:LifecyclePolicy", {"repository": ref("images"), "policy": "{}"}, name="expiry"),
        )
    ],
    non_compliant=[aws("ecr/repository:Repository", name="images")],
)


task_no_public_address = setting(
    id="task-no-public-address",
    title="Tasks have no public address",
    types=(types.ECS_SERVICE,),
    path="networkConfiguration.assignPublicIp",
    allowed=(False,),
    wrong=True,
    default=False,
    message="each task gets a public address",
    description="Whatever has a public address is scanned by everybody.",
    level=MANDATORY,
    severity="high",
    topics=("network",),
    references=("C333", "F ECS.2"),
    remedy="Leave networkConfiguration.assignPublicIp off; a load balancer leads to the tasks.",
    remediates=True,
)


@rule(
    id="cluster-insights",
    title="Clusters have Container Insights",
    types=(types.ECS_CLUSTER,),
    level=MANDATORY,
    severity="low",
    topics=("logging",),
    references=("N-ECS4", "C65"),
    remedy="Add the setting containerInsights with enabled or enhanced.",
)
def cluster_insights(cluster: Resource, _at: Context) -> Iterator[str]:
    """Container Insights: CPU, memory and restarts of each task."""
    given = {block.get("name"): block.get("value") for block in cluster.props.items("settings").blocks()}
    if given.get("containerInsights") not in ("enabled", "enhanced"):
        yield "Container Insights is off"


cluster_insights.examples(
    compliant=[aws("ecs/cluster:Cluster", {"settings": [{"name": "containerInsights", "value": "enabled"}]})],
    non_compliant=[
        aws("ecs/cluster:Cluster"),
        aws("ecs/cluster:Cluster", {"settings": [{"name": "containerInsights", "value": "disabled"}]}),
    ],
)


@rule(
    id="container-logs",
    title="Containers have a log configuration",
    types=(types.TASK_DEFINITION,),
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("N-ECS7",),
    remedy="Give each container a logConfiguration.",
)
def container_logs(task: Resource, _at: Context) -> Iterator[str]:
    """On Fargate what is not sent is gone with the task."""
    for container in _containers(task):
        if not container.has("logConfiguration"):
            yield f"the container {_name(container)} has no logConfiguration"


container_logs.examples(
    compliant=[_task({"logConfiguration": {"logDriver": "awslogs"}})],
    non_compliant=[_task({}), _task({"logConfiguration": {"logDriver": "awslogs"}}, {"name": "x"})],
)


@rule(
    id="container-unprivileged",
    title="Containers are not privileged",
    types=(types.TASK_DEFINITION,),
    level=MANDATORY,
    severity="critical",
    topics=("IAM",),
    references=("C334", "C335"),
    remedy="Leave privileged off, and pidMode and networkMode away from `host`.",
)
def container_unprivileged(task: Resource, _at: Context) -> Iterator[str]:
    """A privileged container, or one that sees the processes or the network of its machine, is the machine."""
    for mode in ("pidMode", "networkMode"):
        if task.props.maybe(mode) == "host":
            yield f"{mode} is host"
    for container in _containers(task):
        if container.get("privileged"):
            yield f"the container {_name(container)} is privileged"


container_unprivileged.examples(
    compliant=[_task({"privileged": False}, networkMode="awsvpc")],
    non_compliant=[_task({"privileged": True}), _task({}, pidMode="host"), _task({}, networkMode="host")],
)


@rule(
    id="container-read-only",
    title="Containers have a read-only root file system",
    types=(types.TASK_DEFINITION,),
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("C336",),
    remedy="Set readonlyRootFilesystem, and mount a volume where the program writes.",
)
def container_read_only(task: Resource, _at: Context) -> Iterator[str]:
    """Whoever gets in can leave nothing behind. A log router writes its configuration where ECS expects it."""
    for container in _containers(task):
        if not container.get("readonlyRootFilesystem") and not container.has("firelensConfiguration"):
            yield f"the container {_name(container)} may write to its root file system"


container_read_only.examples(
    compliant=[_task({"readonlyRootFilesystem": True}, {"firelensConfiguration": {"type": "fluentbit"}})],
    non_compliant=[_task({}), _task({"readonlyRootFilesystem": False})],
)


@rule(
    id="container-user",
    title="Containers do not run as root",
    types=(types.TASK_DEFINITION,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("IAM",),
    references=("F ECS.20",),
    remedy="Set `user` to a user without privileges, such as 10001:10001; a FireLens container takes any since 2025.",
)
def container_user(task: Resource, _at: Context) -> Iterator[str]:
    """Root in a container is one fault of the kernel or the runtime away from root on its machine."""
    for container in _containers(task):
        user = container.get("user")
        if not user:
            yield f"the container {_name(container)} sets no user, and most images run as root"
        elif str(user).partition(":")[0] in ("0", "root"):
            yield f"the container {_name(container)} runs as root"


container_user.examples(
    compliant=[_task({"user": "10001:10001"}, {"firelensConfiguration": {"type": "fluentbit"}, "user": "10001"})],
    non_compliant=[
        _task({}),
        _task({"user": "root"}),
        _task({"user": "10001:10001"}, {"firelensConfiguration": {"type": "fluentbit"}, "user": "0:10001"}),
    ],
)


@rule(
    id="container-no-plain-secrets",
    title="No secret is written into a container's environment",
    types=(types.TASK_DEFINITION,),
    level=MANDATORY,
    severity="high",
    topics=("secrets",),
    references=("N-ECS2", "C45", "C46"),
    remedy="Name the secret's ARN in `secrets`: ECS reads it when the task starts.",
)
def container_no_plain_secrets(task: Resource, _at: Context) -> Iterator[str]:
    """Checked by the name of the variable. Task definitions are kept for ever and read by whoever may describe them."""
    for container in _containers(task):
        for variable in container.items("environment").blocks():
            if holds_a_secret(variable.text("name")) and variable.text("value"):
                yield f"the container {_name(container)} gets {variable.text('name')} as plain text"


container_no_plain_secrets.examples(
    compliant=[
        _task({"secrets": [{"name": "DB_PASSWORD", "valueFrom": "arn:aws:secretsmanager:::secret:db"}]}),
        _task({"environment": [{"name": "DB_SECRET_ARN", "value": "arn:aws:secretsmanager:::secret:db"}]}),
    ],
    non_compliant=[_task({"environment": [{"name": "DB_PASSWORD", "value": "letmein"}]})],
)


@rule(
    id="task-roles-differ",
    title="The task role and the execution role differ",
    types=(types.TASK_DEFINITION,),
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("C249",),
    remedy="Make two roles: executionRoleArn pulls images and reads secrets, taskRoleArn is the program's.",
)
def task_roles_differ(task: Resource, _at: Context) -> Iterator[str]:
    """Otherwise the program may read every secret that any of its containers is started with."""
    role = task.props.get("taskRoleArn")
    if role and role == task.props.get("executionRoleArn"):
        yield "taskRoleArn and executionRoleArn are the same role"


task_roles_differ.examples(
    compliant=[_task({}, taskRoleArn="arn:a", executionRoleArn="arn:b"), _task({})],
    non_compliant=[_task({}, taskRoleArn="arn:a", executionRoleArn="arn:a")],
)


_ANSWERS: dict[str, Any] = {"loadBalancers": [{"containerName": "app", "containerPort": 80, "targetGroupArn": "arn"}]}


@rule(
    id="service-circuit-breaker",
    title="In production, failed deployments roll back",
    types=(types.ECS_SERVICE,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    environments=("prod",),
    remedy="Set deploymentCircuitBreaker with enable and rollback.",
)
def service_circuit_breaker(service: Resource, _at: Context) -> Iterator[str]:
    """Without it ECS starts the broken version again and again for hours. CodeDeploy has its own way back."""
    if service.props.get("deploymentController.type", "ECS") != "ECS":
        return
    if not (
        service.props.get("deploymentCircuitBreaker.enable") and service.props.get("deploymentCircuitBreaker.rollback")
    ):
        yield "a failed deployment is not rolled back"


service_circuit_breaker.examples(
    compliant=[
        example(_service(deploymentCircuitBreaker={"enable": True, "rollback": True}), environment="prod"),
        example(_service(deploymentController={"type": "CODE_DEPLOY"}), environment="prod"),
    ],
    non_compliant=[
        example(_service(), environment="prod"),
        example(_service(deploymentCircuitBreaker={"enable": True, "rollback": False}), environment="prod"),
    ],
)


@rule(
    id="service-two-tasks",
    title="In production, services behind a load balancer have two tasks in two zones",
    types=(types.ECS_SERVICE,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    environments=("prod",),
    remedy=f"Set desiredCount to {FEWEST_TASKS} or more, and name subnets in two zones.",
)
def service_two_tasks(service: Resource, _at: Context) -> Iterator[str]:
    """Two tasks behind a load balancer, in subnets of two zones. What waits for messages may come back a minute later,
    and a service that starts none by itself is left alone."""
    if service.props.get("schedulingStrategy") == "DAEMON":
        return
    count = service.props.number("desiredCount")
    if count is not None and 0 < count < FEWEST_TASKS and service.props.has("loadBalancers"):
        yield "desiredCount is 1"
    try:
        subnets = service.props.items("networkConfiguration.subnets")
    except NotYetKnown:
        return
    if len(subnets) == 1:
        yield "all tasks are in one subnet"


service_two_tasks.examples(
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


_CLUSTER = aws("ecs/cluster:Cluster", {"name": "web"}, name="cluster")
_SHARES = {"capacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}]}


def _defaults(**props: Any) -> Any:
    return aws(
        "ecs/clusterCapacityProviders:ClusterCapacityProviders",
        {"clusterName": ref("cluster"), "capacityProviders": ["FARGATE"], **props},
        name="capacity",
    )


_WITH_DEFAULTS = _defaults(defaultCapacityProviderStrategies=[{"capacityProvider": "FARGATE", "weight": 1}])


@graph_rule(
    id="service-strategy",
    title="A service declares its capacity providers, and can change them",
    types=(types.ECS_SERVICE,),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Set capacityProviderStrategies (the cluster's own, if those are meant) and forceNewDeployment.",
)
def service_strategy(service: Resource, at: Context) -> Iterator[str]:
    """ECS copies the cluster's default strategy into a service that has none. A refresh reads it, the program does not
    have it, and the provider then refuses every update (pulumi-aws#5903, terraform-provider-aws#44776)."""
    given = service.inputs
    if given.has("launchType"):
        return
    if given.maybe("capacityProviderStrategies"):
        if not given.get("forceNewDeployment"):
            yield "a change of its capacity providers needs forceNewDeployment"
        return
    for cluster in at.graph.targets(service, types.ECS_CLUSTER, via="cluster"):
        for capacity in at.graph.known_children(cluster, types.CLUSTER_CAPACITY_PROVIDERS, via="clusterName"):
            if capacity.inputs.has("defaultCapacityProviderStrategies"):
                yield f"ECS copies the strategy of {capacity.name} into it, and the next refresh shows a change"


service_strategy.examples(
    compliant=[
        example(_CLUSTER, _WITH_DEFAULTS, _service(cluster=ref("cluster", "arn"), forceNewDeployment=True, **_SHARES)),
        # A launch type shuts the cluster's strategy out.
        example(_CLUSTER, _WITH_DEFAULTS, _service(cluster=ref("cluster", "arn"), launchType="FARGATE")),
        example(_CLUSTER, _defaults(), _service(cluster=ref("cluster", "arn"))),
        _service(cluster="arn:aws:ecs:ap-northeast-1:123456789012:cluster/other"),
    ],
    non_compliant=[
        example(_CLUSTER, _WITH_DEFAULTS, _service(cluster=ref("cluster", "arn"))),
        example(_CLUSTER, _WITH_DEFAULTS, _service(cluster=ref("cluster", "arn"), capacityProviderStrategies=[])),
        _service(cluster="web", **_SHARES),
    ],
)
