"""A containerised service on Fargate: behind a load balancer, or a worker without one.

Use: service = Service("wiki-dev-api", ServiceArgs(cluster_name=…, cluster_arn=…, network=network, image=Image(uri=…),
                                                   cpu=256, memory=512, port=8000, traffic=Traffic(…)))
     database.grant_connect(service.task_role)
     service.allow_to(database.security_group_id, database.port, "database")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Unpack

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.compute import scaling as scaling_
from components.compute import traffic as traffic_
from components.compute.fargate import check_image, check_size, ecr_repository, share_of_application
from components.compute.log_router import CONTAINER as LOG_ROUTER
from components.compute.log_router import LogRouter
from components.compute.repository import PULL_ACTIONS
from components.compute.scaling import Scaling
from components.compute.task import APPLICATION, Secret, application_container, check_task, volume_name
from components.compute.traffic import Strategy, Traffic, Way
from components.identity.key import DECRYPT_ACTIONS
from components.network.flow_logs import RetentionDays
from components.network.network import Network
from components.policy import Statement, document, statement, trust
from components.refusal import Refusal
from components.security_rules import Peer, let_in, let_out


@dataclass(frozen=True, kw_only=True)
class Image:
    """What runs."""

    uri: pulumi.Input[str]
    """With a tag or a digest; where the text is known it is checked."""

    repository_arn: pulumi.Input[str] | None = None
    """The ECR repository. None: read from the text, or an image that needs no permission."""


@dataclass(frozen=True, kw_only=True)
class ServiceArgs:
    """What the caller decides about a service.

    In ap-northeast-1 a task costs about $37 a month for each processor and $4 for each GiB (x86, on demand).
    """

    cluster_name: pulumi.Input[str]
    """The cluster by name, for scaling and metrics."""

    cluster_arn: pulumi.Input[str]
    """The cluster by ARN."""

    network: Network
    """Where it stands: in the private subnets of every zone, without public addresses."""

    image: Image
    """What runs in it."""

    cpu: int
    """CPU units of a task, its sidecar included; 1024 are one processor."""

    memory: int
    """MiB of a task, its sidecar included. Fargate has certain pairs of CPU and memory only."""

    architecture: Literal["X86_64", "ARM64"] = "X86_64"
    """What the image was built for. ARM64 costs a fifth less."""

    port: int | None = None
    """The port on which the application listens; none for a worker."""

    traffic: Traffic | None = None
    """Which requests of a load balancer it answers; none for a worker."""

    command: Sequence[str] = ()
    """Runs instead of the image's own command."""

    user: str = "10001:10001"
    """Under which user and group of the container; not root."""

    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Environment variables; nothing secret."""

    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """Environment variables whose values ECS fetches when a task starts."""

    writable_paths: Sequence[str] = ("/tmp",)  # noqa: S108 a folder of the container
    """Folders that the application may write; they end with the task. The image declares each as a VOLUME owned by
    `user`, or only root may write there."""

    tasks: int = 1
    """Tasks to run; with `scaling` only at the beginning."""

    scaling: Scaling | None = None
    """None: always `tasks`."""

    fargate_weight: int | None = None
    """Share of tasks on Fargate, against `spot_weight`. None for both: as the cluster says."""

    spot_weight: int | None = None
    """Share of tasks on Fargate Spot: about 70 % cheaper, ended with two minutes' notice."""

    deployment: Strategy = "rolling"
    """rolling: tasks are replaced a few at a time. blueGreen: all at once, the old ones stay for `bake_minutes`.
    canary: first a tenth of the requests. The last two need a load balancer and pay for twice the tasks meanwhile."""

    bake_minutes: int = 10
    """Minutes for which the old tasks stay ready after a blueGreen or canary deployment."""

    minimum_healthy_percent: int = 100
    """Share of the tasks that run at every moment of a rolling deployment."""

    maximum_percent: int = 200
    """Share of the tasks, old and new together, that may run during a rolling deployment."""

    wait: bool = True
    """An update ends when the new tasks are healthy, or fails. False for a service whose image is not there yet."""

    shell_access: bool = False
    """`aws ecs execute-command` into running tasks; without NAT the network needs the endpoints ecsExec.
    While it is on, whoever may execute commands acts with the task's role."""

    internet: bool = False
    """Calls to any host on port 443; the network needs NAT."""

    log_router: LogRouter | None = None
    """Where its log goes. None: all of it to the CloudWatch group `/ecs/{name}/app`."""

    log_name: str | None = None
    """What its records are called in the archive, `app-logs/service={log_name}/`. None: the component's name."""

    log_retention_days: RetentionDays = 30
    """Days until a record in CloudWatch is deleted."""

    logs_key_arn: pulumi.Input[str] | None = None
    """The KMS key of the log groups; its policy must admit `/ecs/{name}/*`."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        check_size(self.cpu, self.memory)
        if self.log_router is not None:
            share_of_application(self.cpu, self.memory, self.log_router.share)
        if isinstance(self.image.uri, str):
            check_image("image", self.image.uri)
        check_task(
            port=self.port,
            user=self.user,
            environment=self.environment,
            secrets=self.secrets,
            writable_paths=self.writable_paths,
        )
        self._check_traffic()
        if self.tasks < 0:
            raise Refusal("tasks", self.tasks, "is not allowed; use 0 or more")
        if self.scaling is not None and not self.scaling.minimum <= self.tasks <= self.scaling.maximum:
            raise Refusal(
                "tasks", self.tasks, f"is outside of scaling, {self.scaling.minimum} to {self.scaling.maximum}"
            )
        if not 0 <= self.minimum_healthy_percent <= 100:
            raise Refusal("minimum_healthy_percent", self.minimum_healthy_percent, "is not 0 to 100")
        if not 100 <= self.maximum_percent <= 200:
            raise Refusal("maximum_percent", self.maximum_percent, "is not 100 to 200")
        if self.minimum_healthy_percent == self.maximum_percent:
            raise Refusal(
                "maximum_percent", 100, "and minimum_healthy_percent 100 let no task be replaced; move one of them"
            )
        if self.fargate_weight == 0 and not self.spot_weight:
            raise Refusal("fargate_weight", 0, "leaves nowhere to run; give spot_weight a weight")

    def _check_traffic(self) -> None:
        if self.traffic is not None and self.port is None:
            raise Refusal("port", None, "is needed: the load balancer must know where the application listens")
        if self.deployment != "rolling" and self.traffic is None:
            raise Refusal("deployment", self.deployment, "shifts requests, and a worker has none; use rolling")
        if self.deployment == "canary" and self.fargate_weight == 0:
            raise Refusal("deployment", "canary", "judges by few tasks; do not run all of them on Spot")
        if not 0 <= self.bake_minutes <= 1440:
            raise Refusal("bake_minutes", self.bake_minutes, "is not 0 to 1440")
        if self.scaling is not None and self.scaling.requests_per_task is not None and self.traffic is None:
            raise Refusal(
                "scaling.requests_per_task", self.scaling.requests_per_task, "needs traffic, and a worker has none"
            )


_READS = (
    ("secretsmanager", "ReadTheSecretsOfTheTask", "secretsmanager:GetSecretValue"),
    ("ssm", "ReadTheParametersOfTheTask", "ssm:GetParameters"),
)
"""Store of a secret, and the statement that lets a starting task read from it."""


class Service(pulumi.ComponentResource):
    """Tasks in the private subnets of all zones, with the fewest connections and permissions that they need."""

    CHILDREN = (
        "security_group",
        "ingress_rule",
        "load_balancer_egress_rule",
        "egress_rule",
        "log_group",
        "execution_role",
        "execution_policy",
        "task_role",
        "task_policy",
        "task_definition",
        "service",
        *traffic_.CHILDREN,
        *scaling_.CHILDREN,
        "alarm",
    )

    name: pulumi.Output[str]
    """The service's name in ECS."""
    arn: pulumi.Output[str]
    task_definition_arn: pulumi.Output[str]
    task_role: aws.iam.Role
    """What the application may do: other components grant to it."""
    execution_role: aws.iam.Role
    """With it ECS starts tasks; the application does not have it."""
    security_group_id: pulumi.Output[str]
    error_log_group_name: pulumi.Output[str]
    """The group of ERROR and above; without a log router the group of everything."""
    target_group_arn_suffix: pulumi.Output[str] | None
    """By which metrics know the target group; none for a worker."""

    def __init__(self, name: str, args: ServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:compute:Service", name, None, opts)
        self._prefix, self._args = name, args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)

        way = self._way()
        self.security_group_id = self._security_group()
        self._reach_aws()
        errors, own = self._log_groups()
        self.execution_role, execution_policy = self._make_execution_role(own)
        self.task_role, task_policy = self._make_task_role(errors)
        definition = self._task_definition(errors, own)
        service = self._service(definition, way, [execution_policy, *task_policy])
        self._scale(service, way)

        self._service_name = service.name
        self.name, self.arn, self.task_definition_arn = service.name, service.id, definition.arn
        self.error_log_group_name = errors.name
        self.target_group_arn_suffix = way.target_groups[0].arn_suffix if way else None
        self.register_outputs({"name": self.name})

    def allow_to(self, security_group_id: pulumi.Input[str], port: pulumi.Input[int], what: str) -> None:
        """Let the tasks call one port of another group (which must let them in), and nothing more."""
        self._let_out(what, port, f"To the {what}", group=security_group_id)

    def allow_to_prefix_list(self, prefix_list_id: pulumi.Input[str], what: str) -> None:
        """Let the tasks call an AWS service behind a gateway endpoint, by HTTPS."""
        self._let_out(what, 443, f"To {what}, through its gateway endpoint", prefix_list=prefix_list_id)

    def alarms(self, topics: AlarmTopics) -> None:
        """Wake somebody when tasks are missing or fail; tell somebody when they are nearly too small."""
        self._alarm_on_use("CPU", "CPUUtilization", topics)
        self._alarm_on_use("memory", "MemoryUtilization", topics)
        in_cluster = {"ClusterName": self._args.cluster_name, "ServiceName": self._service_name}
        raise_alarm(
            f"{self._prefix}-tasks-alarm",
            means=f"{self._prefix} has fewer tasks than it should for 5 minutes: look at the service's events and at "
            "why its last tasks stopped",
            expression=(
                "desired - running",
                {
                    "desired": Metric(
                        namespace="ECS/ContainerInsights",
                        name="DesiredTaskCount",
                        dimensions=in_cluster,
                        statistic="Average",
                    ),
                    "running": Metric(
                        namespace="ECS/ContainerInsights",
                        name="RunningTaskCount",
                        dimensions=in_cluster,
                        statistic="Average",
                    ),
                },
            ),
            threshold=0,
            severity="critical",
            topics=topics,
            opts=self._child("alarm"),
        )
        if self._args.traffic is not None and self.target_group_arn_suffix is not None:
            self._alarms_on_traffic(self._args.traffic, self.target_group_arn_suffix, topics)

    def _alarm_on_use(self, what: str, metric: str, topics: AlarmTopics) -> None:
        raise_alarm(
            f"{self._prefix}-{what.lower()}-alarm",
            means=f"{self._prefix} uses more than 85 % of its {what} for 10 minutes: it no longer scales, or its tasks "
            "are too small",
            metric=Metric(
                namespace="AWS/ECS",
                name=metric,
                dimensions={"ClusterName": self._args.cluster_name, "ServiceName": self._service_name},
                statistic="Average",
            ),
            threshold=85,
            periods=10,
            severity="warning",
            topics=topics,
            opts=self._child("alarm"),
        )

    def _alarms_on_traffic(self, traffic: Traffic, target_group: pulumi.Output[str], topics: AlarmTopics) -> None:
        at = {"TargetGroup": target_group, "LoadBalancer": traffic.load_balancer_arn_suffix}
        raise_alarm(
            f"{self._prefix}-5xx-alarm",
            means=f"More than 5 % of the answers of {self._prefix} are 5xx for 5 minutes: look at its error log",
            # A few failures among few requests say little: at least ten in a minute.
            expression=(
                "IF(failed >= 10, 100 * failed / requests, 0)",
                {
                    "failed": Metric(
                        namespace="AWS/ApplicationELB",
                        name="HTTPCode_Target_5XX_Count",
                        dimensions=at,
                        statistic="Sum",
                    ),
                    "requests": Metric(
                        namespace="AWS/ApplicationELB", name="RequestCount", dimensions=at, statistic="Sum"
                    ),
                },
            ),
            threshold=5,
            severity="critical",
            topics=topics,
            opts=self._child("alarm"),
        )
        raise_alarm(
            f"{self._prefix}-unhealthy-alarm",
            means=f"Tasks of {self._prefix} fail their health check ({traffic.health_path}) for 5 minutes",
            metric=Metric(
                namespace="AWS/ApplicationELB", name="UnHealthyHostCount", dimensions=at, statistic="Minimum"
            ),
            threshold=0,
            severity="critical",
            topics=topics,
            opts=self._child("alarm"),
        )

    # --- Connections -------------------------------------------------------------------------------------------------

    def _way(self) -> Way | None:
        args = self._args
        if args.traffic is None or args.port is None:
            return None
        return traffic_.lead_in(
            self._prefix,
            args.traffic,
            port=args.port,
            vpc_id=args.network.vpc_id,
            strategy=args.deployment,
            account=self._account,
            child=self._child,
        )

    def _security_group(self) -> pulumi.Output[str]:
        name, args = self._prefix, self._args
        group = aws.ec2.SecurityGroup(
            f"{name}-security-group",
            vpc_id=args.network.vpc_id,
            description=f"Tasks of {name}",
            tags={"Name": f"{name}-security-group"},
            opts=self._child("security_group"),
        )
        if args.traffic is not None and args.port is not None:
            balancer, port = args.traffic.load_balancer_security_group_id, args.port
            why = "Requests and health checks"
            opts = self._child("ingress_rule")
            let_in(f"{name}-ingress-rule", group.id, port, f"{why} of the load balancer", opts, group=balancer)
            opts = self._child("load_balancer_egress_rule")
            let_out(f"{name}-load-balancer-egress-rule", balancer, port, f"{why} to {name}", opts, group=group.id)
        return group.id

    def _reach_aws(self) -> None:
        network = self._args.network
        if network.endpoint_security_group_id is not None:
            self.allow_to(network.endpoint_security_group_id, 443, "endpoints")
        if network.s3_prefix_list_id is not None:
            self._let_out("s3", 443, "To S3: layers of images, logs", prefix_list=network.s3_prefix_list_id)
        if self._args.internet or network.endpoint_security_group_id is None:
            # Without endpoints AWS's services are reached by their public addresses, through NAT.
            self._let_out("internet", 443, "To hosts on the internet, by NAT", cidr="0.0.0.0/0")

    def _let_out(self, what: str, port: pulumi.Input[int], why: str, **whom: Unpack[Peer]) -> None:
        opts = self._child("egress_rule")
        let_out(f"{self._prefix}-{what}-egress-rule", self.security_group_id, port, why, opts, **whom)

    # --- Permissions -------------------------------------------------------------------------------------------------

    def _log_groups(self) -> tuple[aws.cloudwatch.LogGroup, aws.cloudwatch.LogGroup]:
        """The group of the application's errors and that of the router itself; one for all without a router."""
        if self._args.log_router is None:
            group = self._log_group("app")
            return group, group
        return self._log_group("errors"), self._log_group(LOG_ROUTER)

    def _log_group(self, what: str) -> aws.cloudwatch.LogGroup:
        # Made first: otherwise it would be made without retention and key.
        return aws.cloudwatch.LogGroup(
            f"{self._prefix}-{what}-log-group",
            name=f"/ecs/{self._prefix}/{what}",
            retention_in_days=self._args.log_retention_days,
            kms_key_id=self._args.logs_key_arn,
            opts=self._child("log_group"),
        )

    def _make_execution_role(self, logs: aws.cloudwatch.LogGroup) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        role = self._role("execution", f"With it ECS starts the tasks of {self._prefix}.")
        statements = [
            statement(
                "WriteLogs",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=pulumi.Output.concat(logs.arn, ":*"),
            ),
            *self._pull_statements(),
            *self._secret_statements(),
        ]
        policy = aws.iam.RolePolicy(
            f"{self._prefix}-execution-policy",
            role=role.id,
            policy=document(*statements),
            opts=self._child("execution_policy"),
        )
        return role, policy

    def _pull_statements(self) -> list[Statement]:
        repositories: list[pulumi.Input[str]] = []
        image, router = self._args.image, self._args.log_router
        if image.repository_arn is not None:
            repositories.append(image.repository_arn)
        elif isinstance(image.uri, str) and (found := ecr_repository(image.uri)):
            account, region, repository = found
            repositories.append(
                pulumi.Output.concat(
                    "arn:", self._account.partition, f":ecr:{region}:{account}:repository/{repository}"
                )
            )
        if router is not None and router.image_repository_arn is not None:
            repositories.append(router.image_repository_arn)
        if not repositories:
            return []
        return [
            # A token for the registry; the action knows no resource.
            statement("LogInToTheRegistry", actions="ecr:GetAuthorizationToken", resources="*"),
            statement("PullImages", actions=PULL_ACTIONS, resources=repositories),
        ]

    def _secret_statements(self) -> list[Statement]:
        secrets = [secret for _, secret in sorted(self._args.secrets.items())]
        if not secrets:
            return []
        statements = [
            statement(
                sid,
                actions=action,
                resources=pulumi.Output.all(*(secret.arn for secret in secrets if secret.store == store)).apply(
                    lambda known: sorted(set(known))
                ),
            )
            for store, sid, action in _READS
            if any(secret.store == store for secret in secrets)
        ]
        keys = [secret.key_arn for secret in secrets if secret.key_arn is not None]
        if keys:
            statements.append(
                statement(
                    "DecryptTheSecretsOfTheTask",
                    actions=DECRYPT_ACTIONS,
                    resources=pulumi.Output.all(*keys).apply(lambda known: sorted(set(known))),
                )
            )
        return statements

    def _make_task_role(self, errors: aws.cloudwatch.LogGroup) -> tuple[aws.iam.Role, list[aws.iam.RolePolicy]]:
        args = self._args
        role = self._role("task", f"What the application {self._prefix} may do.")
        statements: list[Statement] = []
        if self._args.log_router is not None:
            # FireLens works with the role of the task, not with that of ECS.
            statements += self._args.log_router.permissions(args.log_name or self._prefix, errors.arn)
        if self._args.shell_access:
            # The channel of a shell; the actions know no resources.
            statements.append(
                statement(
                    "OpenAShell",
                    actions=[
                        "ssmmessages:CreateControlChannel",
                        "ssmmessages:CreateDataChannel",
                        "ssmmessages:OpenControlChannel",
                        "ssmmessages:OpenDataChannel",
                    ],
                    resources="*",
                )
            )
        if not statements:
            return role, []
        policy = aws.iam.RolePolicy(
            f"{self._prefix}-task-policy", role=role.id, policy=document(*statements), opts=self._child("task_policy")
        )
        return role, [policy]

    def _role(self, kind: Literal["execution", "task"], description: str) -> aws.iam.Role:
        return aws.iam.Role(
            f"{self._prefix}-{kind}-role",
            description=description,
            assume_role_policy=trust(
                "ecs-tasks.amazonaws.com",
                source_account=self._account.id,
                source_arn=self._account.arn("ecs", "*"),
            ),
            opts=self._child("execution_role" if kind == "execution" else "task_role"),
        )

    # --- Tasks -------------------------------------------------------------------------------------------------------

    def _task_definition(self, errors: aws.cloudwatch.LogGroup, own: aws.cloudwatch.LogGroup) -> aws.ecs.TaskDefinition:
        args, router = self._args, self._args.log_router
        to_cloudwatch = {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": own.name,
                "awslogs-region": self._account.region,
                "awslogs-stream-prefix": "task",
                # A full buffer drops records instead of stopping the application.
                "mode": "non-blocking",
                "max-buffer-size": "4m",
            },
        }
        # What waits for the router while it is busy, in bytes.
        to_router = {"logDriver": "awsfirelens", "options": {"log-driver-buffer-limit": str(8 * 1024 * 1024)}}
        containers = [
            application_container(
                image=args.image.uri,
                share=share_of_application(args.cpu, args.memory, router.share if router else None),
                port=args.port,
                command=args.command,
                user=args.user,
                environment=args.environment,
                secrets=args.secrets,
                writable_paths=args.writable_paths,
                log_configuration=to_router if router else to_cloudwatch,
                waits_for=LOG_ROUTER if router else None,
            )
        ]
        if router is not None:
            containers.append(router.container(args.log_name or self._prefix, errors.name, to_cloudwatch))
        return aws.ecs.TaskDefinition(
            f"{self._prefix}-task-definition",
            family=self._prefix,
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(args.cpu),
            memory=str(args.memory),
            execution_role_arn=self.execution_role.arn,
            task_role_arn=self.task_role.arn,
            runtime_platform=aws.ecs.TaskDefinitionRuntimePlatformArgs(
                cpu_architecture=args.architecture, operating_system_family="LINUX"
            ),
            container_definitions=pulumi.Output.json_dumps(
                sorted(containers, key=lambda container: container["name"]), sort_keys=True
            ),
            volumes=[aws.ecs.TaskDefinitionVolumeArgs(name=volume_name(path)) for path in sorted(args.writable_paths)],
            # Every revision stays, so that a roll-back finds the one before.
            skip_destroy=True,
            opts=self._child("task_definition"),
        )

    def _service(
        self, definition: aws.ecs.TaskDefinition, way: Way | None, waits: Sequence[pulumi.Resource]
    ) -> aws.ecs.Service:
        args = self._args
        weights = [("FARGATE", args.fargate_weight), ("FARGATE_SPOT", args.spot_weight)]
        return aws.ecs.Service(
            f"{self._prefix}-service",
            # Operators and pipelines look it up by name.
            name=self._prefix,
            cluster=args.cluster_arn,
            task_definition=definition.arn,
            desired_count=args.tasks,
            capacity_provider_strategies=[
                aws.ecs.ServiceCapacityProviderStrategyArgs(capacity_provider=provider, weight=weight)
                for provider, weight in weights
                if weight
            ]
            or None,
            platform_version="LATEST",
            network_configuration=aws.ecs.ServiceNetworkConfigurationArgs(
                subnets=args.network.private_subnet_ids,
                security_groups=[self.security_group_id],
                assign_public_ip=False,
            ),
            # ECS spreads tasks over the subnets' zones, and evens them out again after a zone's failure.
            availability_zone_rebalancing="ENABLED" if args.maximum_percent > 100 else "DISABLED",
            deployment_minimum_healthy_percent=args.minimum_healthy_percent,
            deployment_maximum_percent=args.maximum_percent,
            deployment_circuit_breaker=aws.ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            deployment_configuration=self._deployment(),
            load_balancers=self._balanced(way),
            health_check_grace_period_seconds=args.traffic.grace_seconds if args.traffic else None,
            enable_execute_command=args.shell_access,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            wait_for_steady_state=args.wait,
            opts=self._child(
                "service",
                # A target group without a listener takes no service. Roles without their policies start no task.
                depends_on=[
                    *waits,
                    *([way.rule] if way else []),
                    *([way.deployment_policy] if way and way.deployment_policy else []),
                ],
                # Scaling decides it; an update would send tasks away in the middle of a rush.
                ignore_changes=["desired_count"] if args.scaling else [],
            ),
        )

    def _deployment(self) -> aws.ecs.ServiceDeploymentConfigurationArgs:
        args = self._args
        if args.deployment == "rolling":
            return aws.ecs.ServiceDeploymentConfigurationArgs(strategy="ROLLING")
        bake = str(args.bake_minutes)
        if args.deployment == "blueGreen":
            return aws.ecs.ServiceDeploymentConfigurationArgs(strategy="BLUE_GREEN", bake_time_in_minutes=bake)
        return aws.ecs.ServiceDeploymentConfigurationArgs(
            strategy="CANARY",
            bake_time_in_minutes=bake,
            canary_configuration=aws.ecs.ServiceDeploymentConfigurationCanaryConfigurationArgs(
                canary_percent=10, canary_bake_time_in_minutes="5"
            ),
        )

    def _balanced(self, way: Way | None) -> list[aws.ecs.ServiceLoadBalancerArgs] | None:
        if way is None:
            return None
        shifting = None
        if way.deployment_role is not None:
            shifting = aws.ecs.ServiceLoadBalancerAdvancedConfigurationArgs(
                alternate_target_group_arn=way.target_groups[1].arn,
                production_listener_rule=way.rule.arn,
                role_arn=way.deployment_role.arn,
            )
        return [
            aws.ecs.ServiceLoadBalancerArgs(
                container_name=APPLICATION,
                container_port=self._args.port or 0,
                target_group_arn=way.target_groups[0].arn,
                advanced_configuration=shifting,
            )
        ]

    def _scale(self, service: aws.ecs.Service, way: Way | None) -> None:
        args = self._args
        if args.scaling is None:
            return
        label = None
        if way is not None and args.traffic is not None:
            label = pulumi.Output.concat(args.traffic.load_balancer_arn_suffix, "/", way.target_groups[0].arn_suffix)
        scaling_.scale(self._prefix, args.scaling, service, args.cluster_name, label, self._child)
