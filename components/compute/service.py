"""A containerised service on Fargate: behind a load balancer, or a worker without one.

Use: service = Service("wiki-dev-api", ServiceArgs(cpu=256, memory=512, port=8000, traffic=LoadBalancerTarget()),
                       cluster=cluster, network=network, image=Image(uri=…), load_balancer=load_balancer)
     database.grant_connect(service.task_role)
     service.allow_to(database.security_group_id, database.port, "database")
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..component import Component
from ..errors import ArgumentError, Mistake
from ..identity.key import AnyKey
from ..network.network import Network
from ..widgets import Widget
from . import load_balancer_target, roll_back, scaling, service_deployment, task
from .access import Egress, Secret
from .cluster import Cluster
from .counted import NAMESPACE, CountedAlarm, counted, kebab
from .live_image import Image
from .load_balancer_target import AnyLoadBalancer, AnyUserPool, TargetGroups
from .log_router import LogRouter
from .scaling import CountedQueue
from .service_args import ServiceArgs
from .task import APPLICATION, Task

SECTION: Final = "Services (ECS)"
CPU: Final = "CPUUtilization"
MEMORY: Final = "MemoryUtilization"


class Service(Component):
    """Tasks in the private subnets of all zones, with the fewest connections and permissions that they need."""

    CHILDREN = (
        *("security_group", "egress_rule", "service", "alarm"),
        *task.CHILDREN,
        *load_balancer_target.CHILDREN,
        *scaling.CHILDREN,
        *roll_back.CHILDREN,
    )

    name: pulumi.Output[str]
    """The service's name in ECS."""
    arn: pulumi.Output[str]
    """Told by its names, so that who may deploy to it does not wait until it runs."""
    cluster_name: pulumi.Output[str]
    scaling_target: aws.appautoscaling.Target | None = None
    """The range within which scaling keeps the number of tasks; None without scaling."""
    family: str
    """Of its task definitions."""
    task_definition_arn: pulumi.Output[str]
    task_role: aws.iam.Role
    """What the application may do: other components grant to it."""
    execution_role: aws.iam.Role
    """With it ECS starts tasks; the application does not have it."""
    security_group_id: pulumi.Output[str]
    error_log_group_name: pulumi.Output[str]
    """The group of ERROR and above; without a log router the group of everything."""

    def __init__(
        self,
        name: str,
        args: ServiceArgs,
        *,
        cluster: Cluster,
        network: Network,
        image: Image,
        load_balancer: AnyLoadBalancer | None = None,
        user_pool: AnyUserPool | None = None,
        queue: CountedQueue | None = None,
        environment: Mapping[str, pulumi.Input[str]] | None = None,
        secrets: Mapping[str, Secret] | None = None,
        internet: bool = False,
        log_router: LogRouter | None = None,
        log_name: str | None = None,
        logs_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param cluster: Where it runs.
        :param network: Where it stands: in the private subnets of every zone, without public addresses.
        :param image: What runs in it.
        :param load_balancer: Brings the requests of `traffic`.
        :param user_pool: Whose tokens the load balancer lets in, for `traffic` with `signed_in`.
        :param queue: The queue of a worker, for `scaling.messages_per_task`.
        :param environment: Further environment variables, whose values other resources give; nothing secret.
        :param secrets: Environment variables whose values ECS fetches when a task starts.
        :param internet: Calls to any host on port 443; the network needs NAT.
        :param log_router: Where its log goes. Without one, all of it to the CloudWatch group `/ecs/{name}/app`.
        :param log_name: What its records are called in the archive, `app-logs/service={log_name}/`. Left out: `name`.
        :param logs_key: What encrypts the log groups; its policy must admit `/ecs/{name}/*`.
        """
        super().__init__(name, args, opts)
        self._args, self._cluster = args, cluster
        self._account, self._logs_as = Account.of(self), log_name or name
        self._check(load_balancer, user_pool, queue, log_router)

        self._egress = self._reach_aws(network, internet=internet)
        self.security_group_id = self._egress.group_id
        self._targets = self._attach(load_balancer, user_pool, network)
        made = task.make_task(
            name,
            args,
            image=image,
            environment=environment or {},
            secrets=secrets or {},
            log_router=log_router,
            log_name=self._logs_as,
            logs_key=logs_key,
            account=self._account,
            child=self._child,
        )
        service = self._service(made, network, image)
        if args.scaling is not None:
            label = self._targets.label if self._targets is not None else None
            self.scaling_target = scaling.scale(name, args.scaling, service, cluster.name, label, queue, self._child)

        self.cluster_name = cluster.name
        self.name, self.family, self.task_definition_arn = service.name, name, made.definition.arn
        self.arn = self._account.arn("ecs", pulumi.Output.concat("service/", cluster.name, "/", name))
        self.task_role, self.execution_role = made.task_role, made.execution_role
        self.error_log_group_name = made.errors.name
        self.register_outputs({"name": self.name})

    def allow_to(self, security_group_id: pulumi.Input[str], port: pulumi.Input[int], what: str) -> None:
        """Let the tasks call one port of another group (which must let them in), and nothing more."""
        self._egress.allow(what, port, f"To the {what}", group=security_group_id)

    def allow_to_prefix_list(self, prefix_list_id: pulumi.Input[str], what: str) -> None:
        """Let the tasks call an AWS service behind a gateway endpoint, by HTTPS."""
        self._egress.allow(what, 443, f"To {what}, through its gateway endpoint", prefix_list=prefix_list_id)

    @property
    def task_range(self) -> tuple[int, int]:
        """The fewest and the most tasks."""
        chosen = self._args.scaling
        return (chosen.minimum, chosen.maximum) if chosen is not None else (self._args.tasks, self._args.tasks)

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Wake somebody when tasks are missing or fail; tell somebody when they are nearly too small."""
        return [
            self._alarm_on_use("CPU", CPU, topics),
            self._alarm_on_use("memory", MEMORY, topics),
            self._alarm(
                "tasks",
                description="has fewer tasks than it should for 5 minutes. Look at the service's events and at why "
                "its last tasks stopped.",
                expression=("desired - running", {"desired": self._desired, "running": self._running}),
                threshold=0,
                severity="critical",
                topics=topics,
            ),
            *(self._alarms_on_requests(self._targets, topics) if self._targets is not None else ()),
            *(self._alarm_on_counted(name, one, topics) for name, one in sorted(self._args.counted_alarms.items())),
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How hard it works, how many tasks do the work, and how its requests end."""
        used = [self._metric("AWS/ECS", name) for name in (CPU, MEMORY)]
        widgets = [
            *(self._graph(SECTION, metric, most=100) for metric in used),
            *(self._graph(SECTION, metric) for metric in (self._running, self._desired)),
        ]
        if self._targets is not None:
            asked = [("RequestCount", "Sum"), ("HTTPCode_Target_5XX_Count", "Sum"), ("UnHealthyHostCount", "Minimum")]
            widgets += [self._graph(SECTION, self._targets.metric(*one)) for one in asked]
        return [*widgets, *(self._graph(SECTION, self._counted(name)) for name in sorted(self._args.counted_alarms))]

    @property
    def _desired(self) -> Metric:
        return self._metric("ECS/ContainerInsights", "DesiredTaskCount")

    @property
    def _running(self) -> Metric:
        return self._metric("ECS/ContainerInsights", "RunningTaskCount")

    def _alarm_on_use(self, what: str, metric: str, topics: AlarmTopics) -> aws.cloudwatch.MetricAlarm:
        return self._alarm(
            what.lower(),
            description=f"uses more than {self._args.alarm_use_percent} % of its {what} for 10 minutes. It no longer "
            "scales, or its tasks are too small.",
            metric=self._metric("AWS/ECS", metric),
            threshold=self._args.alarm_use_percent,
            periods=10,
            severity="warning",
            topics=topics,
        )

    def _alarm_on_counted(self, name: str, args: CountedAlarm, topics: AlarmTopics) -> aws.cloudwatch.MetricAlarm:
        return self._alarm(
            f"counted-{kebab(name)}",
            description=f"{args.statistic} of {name} is above {args.above:g} for {args.minutes} minutes. Look at its "
            "records of that time.",
            metric=self._counted(name),
            threshold=args.above,
            period_seconds=60 * args.minutes,
            periods=1,
            severity="warning",
            topics=topics,
        )

    def _counted(self, name: str) -> Metric:
        return counted(
            self._args.environment[NAMESPACE], self._logs_as, name, self._args.counted_alarms[name].statistic
        )

    def _alarms_on_requests(self, targets: TargetGroups, topics: AlarmTopics) -> Iterator[aws.cloudwatch.MetricAlarm]:
        failed, asked = (targets.metric(name, "Sum") for name in ("HTTPCode_Target_5XX_Count", "RequestCount"))
        yield self._alarm(
            "5xx",
            description="more than 5 % of the answers are 5xx for 5 minutes. Look at its error log.",
            # A few failures among few requests say little: at least ten in a minute.
            expression=("IF(failed >= 10, 100 * failed / requests, 0)", {"failed": failed, "requests": asked}),
            threshold=5,
            severity="critical",
            topics=topics,
        )
        yield self._alarm(
            "unhealthy",
            description=f"tasks fail their health check ({targets.health_path}) for 5 minutes.",
            metric=targets.metric("UnHealthyHostCount", "Minimum"),
            threshold=0,
            severity="critical",
            topics=topics,
        )

    def _metric(self, namespace: str, name: str) -> Metric:
        dimensions = {"ClusterName": self._cluster.name, "ServiceName": self.name}
        return Metric(namespace=namespace, name=name, dimensions=dimensions, statistic="Average")

    # --- What it is made of ------------------------------------------------------------------------------------------

    def _check(
        self,
        load_balancer: AnyLoadBalancer | None,
        user_pool: AnyUserPool | None,
        queue: CountedQueue | None,
        log_router: LogRouter | None,
    ) -> None:
        args = self._args
        router = log_router.args if log_router is not None else None
        secret = load_balancer is not None and load_balancer.origin_secret is not None
        found = list(args.mistakes_with(self._cluster.args, router, origin_secret=secret))
        if args.traffic is not None and load_balancer is None:
            found.append(Mistake("load_balancer", None, "is needed for traffic; give one, or leave traffic out"))
        if args.traffic is not None and args.traffic.signed_in:
            clients = len(user_pool.client_ids) if user_pool is not None else 0
            if clients != 1:
                why = f"needs a user pool with one client, with whose id tokens are compared; there are {clients}"
                found.append(Mistake(("traffic", "signed_in"), True, why))
        if args.scaling is not None and args.scaling.messages_per_task is not None and queue is None:
            found.append(Mistake("queue", None, "is needed for scaling.messages_per_task"))
        if found:
            raise ArgumentError.of(found)

    def _reach_aws(self, network: Network, *, internet: bool) -> Egress:
        egress = Egress.of(self._prefix, f"Tasks of {self._prefix}", network, self._child)
        if network.s3_prefix_list_id is not None:
            egress.allow("s3", 443, "To S3: layers of images, logs", prefix_list=network.s3_prefix_list_id)
        if internet or network.endpoint_security_group_id is None:
            # Without endpoints AWS's services are reached by their public addresses, through NAT.
            egress.allow_internet()
        return egress

    def _attach(
        self, load_balancer: AnyLoadBalancer | None, user_pool: AnyUserPool | None, network: Network
    ) -> TargetGroups | None:
        args = self._args
        if args.traffic is None or args.port is None or load_balancer is None:
            return None
        return load_balancer_target.attach(
            self._prefix,
            args.traffic,
            load_balancer,
            group_id=self.security_group_id,
            port=args.port,
            vpc_id=network.vpc_id,
            strategy=args.deployment,
            user_pool=user_pool if args.traffic.signed_in else None,
            account=self._account,
            child=self._child,
        )

    def _service(self, made: Task, network: Network, image: Image) -> aws.ecs.Service:
        args, targets = self._args, self._targets
        return aws.ecs.Service(
            f"{self._prefix}-service",
            # Operators and pipelines look it up by name.
            name=self._prefix,
            cluster=self._cluster.arn,
            task_definition=made.definition.arn,
            desired_count=args.scaling.minimum if args.scaling is not None else args.tasks,
            capacity_provider_strategies=[
                aws.ecs.ServiceCapacityProviderStrategyArgs(
                    capacity_provider=each.provider, weight=each.weight, base=each.base
                )
                for each in args.capacities(self._cluster.args)
            ],
            # Without it the provider refuses other shares (terraform-provider-aws, resource aws_ecs_service). The
            # price: whatever else is changed of the service starts its tasks anew too.
            force_new_deployment=True,
            platform_version="LATEST",
            network_configuration=aws.ecs.ServiceNetworkConfigurationArgs(
                subnets=network.private_subnet_ids,
                security_groups=[self.security_group_id],
                assign_public_ip=False,
            ),
            # ECS spreads tasks over the subnets' zones, and evens them out again after a zone's failure.
            availability_zone_rebalancing="ENABLED" if args.maximum_percent > 100 else "DISABLED",
            deployment_minimum_healthy_percent=args.minimum_healthy_percent,
            deployment_maximum_percent=args.maximum_percent,
            deployment_circuit_breaker=aws.ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            alarms=(
                roll_back.alarms_of(self._prefix, args.roll_back, self._cluster.name, targets, self._child)
                if args.roll_back is not None
                else None
            ),
            deployment_configuration=service_deployment.deployment_configuration(args.deployment, args.bake_minutes),
            load_balancers=[targets.load_balancer_of(APPLICATION)] if targets is not None else None,
            health_check_grace_period_seconds=args.traffic.grace_seconds if args.traffic else None,
            enable_execute_command=args.shell_access,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            # An update ends when the new tasks are healthy, or fails. While the image is not there, ECS tries to start
            # tasks a few times and then rests (the circuit breaker) until it is given another image.
            wait_for_steady_state=image.is_there,
            opts=self._child(
                "service",
                # Roles without their policies start no task.
                depends_on=[*made.policies, *(targets.resources if targets is not None else [])],
                custom_timeouts=service_deployment.deployment_timeouts(args.deployment, args.bake_minutes),
                # Scaling decides it; an update would send tasks away in the middle of a rush.
                ignore_changes=["desired_count"] if args.scaling else [],
            ),
        )
