"""A web application in a container, with everything before it made by ECS: Express Mode, the successor of App Runner.

Use: service = ExpressService("wiki-dev-simple", ExpressServiceArgs(port=8000), cluster=cluster, network=network,
                              image=Image(uri=…))
     database.allow_from(service.security_group_id, "simple")

ECS makes a load balancer in the public subnets, which up to 25 such services of the VPC share, a certificate and an
address of AWS's, target groups, a second security group that lets the load balancer in to the tasks, scaling, and
deployments that shift 5 % of the requests first and go back on an alarm of ECS's own
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/express-service-work.html). The price of that: no web
firewall and no sign-in stand before it, its load balancer keeps no access log, tasks run on x86 alone and as the user
that the image names, and a collector or log router beside the application has no place. A `Service` has all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..component import Component
from ..errors import ArgumentError
from ..identity.key import AnyKey
from ..log_group import make_log_group, write_log
from ..network.network import Network
from ..policy import Statement, statement, trust
from ..service_role import service_role
from ..widgets import Widget
from .access import Egress, Secret, read_secrets
from .cluster import Cluster
from .express_args import ExpressServiceArgs
from .express_role import infrastructure_statements
from .live_image import Image
from .repository import PULL_ACTIONS

SECTION: Final = "Simple service"
_RUNNING, _DESIRED = "RunningTaskCount", "DesiredTaskCount"
_METRICS: Final = {"cpu": "AVERAGE_CPU", "memory": "AVERAGE_MEMORY", "requests": "REQUEST_COUNT_PER_TARGET"}


class ExpressService(Component):
    """Tasks behind a load balancer of ECS's, with the fewest permissions that they need."""

    CHILDREN = (
        *("security_group", "egress_rule", "log_group", "execution_role", "execution_policy", "task_role"),
        *("infrastructure_role", "infrastructure_policy", "service", "alarm"),
    )

    name: pulumi.Output[str]
    """The service's name in ECS."""
    url: pulumi.Output[str]
    """Where it answers: an address of AWS's."""
    task_role: aws.iam.Role
    """What the application may do: other components grant to it."""
    security_group_id: pulumi.Output[str]
    """Of the tasks. ECS gives them a second one, by which the load balancer comes in and which lets them out."""
    log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: ExpressServiceArgs,
        *,
        cluster: Cluster,
        network: Network,
        image: Image,
        environment: Mapping[str, pulumi.Input[str]] | None = None,
        secrets: Mapping[str, Secret] | None = None,
        logs_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param cluster: Where it runs.
        :param network: Its public subnets are where load balancer and tasks stand: in private ones, ECS would make an
            internal load balancer.
        :param image: What runs in it, built for x86.
        :param environment: Further environment variables, whose values other resources give; nothing secret.
        :param secrets: Environment variables whose values ECS fetches when a task starts.
        :param logs_key: What encrypts the log group; its policy must admit `/ecs/{name}/*`.
        """
        super().__init__(name, args, opts)
        self._args, self._cluster, self._account = args, cluster, Account.of(self)
        told, hidden = {**(environment or {}), **args.environment}, secrets or {}
        for twice in sorted(told.keys() & hidden.keys()):
            raise ArgumentError("secrets", twice, "is also in environment; ECS takes a name once, remove one of them")

        self._egress = self._reach_aws(network)
        self.security_group_id = self._egress.group_id
        log_group = make_log_group(
            f"{name}-log-group", f"/ecs/{name}/app", args.log_retention_days, logs_key, self._child("log_group")
        )
        execution, may_start = service_role(
            name,
            self._account,
            self._child,
            kind="execution",
            service="ecs-tasks.amazonaws.com",
            source_arn=self._account.arn("ecs", "*"),
            description=f"With it ECS starts the tasks of {name}.",
            statements=[
                write_log("WriteLogs", log_group.arn),
                *self._pull(image),
                *read_secrets(hidden, "TheTasks", self._account),
            ],
        )
        self.task_role = aws.iam.Role(
            f"{name}-task-role",
            description=f"What the application {name} may do.",
            assume_role_policy=trust(
                "ecs-tasks.amazonaws.com", source_account=self._account.id, source_arn=self._account.arn("ecs", "*")
            ),
            opts=self._child("task_role"),
        )
        infrastructure, may_build = service_role(
            name,
            self._account,
            self._child,
            kind="infrastructure",
            service="ecs.amazonaws.com",
            source_arn=self._account.arn("ecs", "*"),
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/infrastructure_IAM_role.html has none.
            says_for_whom=False,
            description=f"With it ECS makes what stands before {name}.",
            statements=infrastructure_statements(self._account, network.vpc_id),
        )
        service = self._service(
            network,
            image,
            log_group,
            roles={"execution": execution, "infrastructure": infrastructure},
            told=told,
            hidden=hidden,
            # A role that loses its policy first leaves the service draining for ever.
            after=[may_start, may_build],
        )
        self.name, self.log_group_name = service.service_name, log_group.name
        self.url = service.ingress_paths.apply(lambda paths: _https(paths[0].endpoint))
        self.register_outputs({"url": self.url})

    def allow_to(self, security_group_id: pulumi.Input[str], port: pulumi.Input[int], what: str) -> None:
        """Let the tasks call one port of another group, which must let them in."""
        self._egress.allow(what, port, f"To the {what}", group=security_group_id)

    def allow_to_prefix_list(self, prefix_list_id: pulumi.Input[str], what: str) -> None:
        """Let the tasks call an AWS service behind a gateway endpoint, by HTTPS."""
        self._egress.allow(what, 443, f"To {what}, through its gateway endpoint", prefix_list=prefix_list_id)

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Wake somebody when tasks are missing; tell somebody when they are nearly too small."""
        return [
            *(
                self._alarm(
                    what.lower(),
                    description=f"uses more than {self._args.alarm_use_percent} % of its {what} for 10 minutes. It no "
                    "longer scales, or its tasks are too small.",
                    metric=self._metric(metric),
                    threshold=self._args.alarm_use_percent,
                    periods=10,
                    severity="warning",
                    topics=topics,
                )
                for what, metric in (("CPU", "CPUUtilization"), ("memory", "MemoryUtilization"))
            ),
            self._alarm(
                "tasks",
                description="has fewer tasks than it should for 5 minutes. Look at the service's events and at why "
                "its last tasks stopped.",
                expression=(
                    "desired - running",
                    {"desired": self._metric(_DESIRED), "running": self._metric(_RUNNING)},
                ),
                threshold=0,
                severity="critical",
                topics=topics,
            ),
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How hard it works, and how many tasks do the work. What its load balancer counts is under a name that ECS
        chooses and the provider does not tell."""
        return [
            *(self._graph(SECTION, self._metric(name), most=100) for name in ("CPUUtilization", "MemoryUtilization")),
            *(self._graph(SECTION, self._metric(name)) for name in (_RUNNING, _DESIRED)),
        ]

    def _metric(self, name: str) -> Metric:
        namespace = "ECS/ContainerInsights" if name.endswith("TaskCount") else "AWS/ECS"
        dimensions = {"ClusterName": self._cluster.name, "ServiceName": self.name}
        return Metric(namespace=namespace, name=name, dimensions=dimensions, statistic="Average")

    # --- What it is made of ------------------------------------------------------------------------------------------

    def _reach_aws(self, network: Network) -> Egress:
        egress = Egress.of(self._prefix, f"Tasks of {self._prefix}", network, self._child)
        if network.s3_prefix_list_id is not None:
            egress.allow("s3", 443, "To S3: layers of images", prefix_list=network.s3_prefix_list_id)
        return egress

    def _pull(self, image: Image) -> Iterator[Statement]:
        repository = image.repository_arn(self._account)
        if repository is not None:
            # A token for the registry; the action knows no resource.
            yield statement("LogInToTheRegistry", actions="ecr:GetAuthorizationToken", resources="*")
            yield statement("PullImages", actions=PULL_ACTIONS, resources=repository)

    def _service(
        self,
        network: Network,
        image: Image,
        log_group: aws.cloudwatch.LogGroup,
        *,
        roles: Mapping[str, aws.iam.Role],
        told: Mapping[str, pulumi.Input[str]],
        hidden: Mapping[str, Secret],
        after: list[pulumi.Resource],
    ) -> aws.ecs.ExpressGatewayService:
        args, scaling = self._args, self._args.scaling
        part = aws.ecs
        return aws.ecs.ExpressGatewayService(
            f"{self._prefix}-express",
            # Operators look it up by name, and its address begins with it.
            service_name=self._prefix,
            # The provider reads the name back, and takes an ARN for another cluster.
            cluster=self._cluster.name,
            execution_role_arn=roles["execution"].arn,
            infrastructure_role_arn=roles["infrastructure"].arn,
            task_role_arn=self.task_role.arn,
            cpu=str(args.cpu),
            memory=str(args.memory),
            health_check_path=args.health_path,
            primary_container=part.ExpressGatewayServicePrimaryContainerArgs(
                image=image.uri,
                container_port=args.port,
                commands=args.command or None,
                environments=[
                    part.ExpressGatewayServicePrimaryContainerEnvironmentArgs(name=name, value=value)
                    for name, value in sorted(told.items())
                ],
                secrets=[
                    part.ExpressGatewayServicePrimaryContainerSecretArgs(name=name, value_from=secret.reference)
                    for name, secret in sorted(hidden.items())
                ],
                aws_logs_configurations=[
                    part.ExpressGatewayServicePrimaryContainerAwsLogsConfigurationArgs(
                        log_group=log_group.name, log_stream_prefix="task"
                    )
                ],
            ),
            network_configurations=[
                part.ExpressGatewayServiceNetworkConfigurationArgs(
                    subnets=network.public_subnet_ids, security_groups=[self.security_group_id]
                )
            ],
            scaling_targets=[
                part.ExpressGatewayServiceScalingTargetArgs(
                    min_task_count=scaling.minimum,
                    max_task_count=scaling.maximum,
                    auto_scaling_metric=_METRICS[scaling.measure],
                    auto_scaling_target_value=scaling.target,
                )
            ],
            # As for a service: while the image is not there, nobody waits for tasks.
            wait_for_steady_state=image.is_there,
            opts=self._child(
                "service",
                depends_on=after,
                # Another cluster is planned as an update, which AWS then does not make (terraform-provider-aws#47280).
                replace_on_changes=["cluster"],
                # A cluster has a name once.
                delete_before_replace=True,
            ),
        )


def _https(endpoint: str) -> str:
    return endpoint if endpoint.startswith("https://") else f"https://{endpoint}"
