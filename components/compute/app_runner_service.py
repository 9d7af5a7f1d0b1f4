"""A web application in a container on App Runner, for accounts that had it before 30 April 2026.

Use: service = AppRunnerService("wiki-dev-simple", AppRunnerServiceArgs(port=8000), image=Image(uri=…))

AWS takes no new customers of App Runner since then and adds nothing to it: `ExpressService` is what it names as the
successor (https://docs.aws.amazon.com/apprunner/latest/dg/apprunner-availability-change.html). App Runner gives the
address, TLS, a load balancer and scaling by requests under way. It makes its two log groups itself, named after an id
that only the service has: they keep their records until somebody sets a retention.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..component import Component
from ..errors import ArgumentError
from ..identity.key import AnyKey
from ..network.network import Network
from ..policy import Statement, document, statement, trust
from ..short_names import shortened
from ..widgets import Widget
from .access import SEND_TRACES, Egress, Secret, read_secrets
from .app_runner_args import AppRunnerServiceArgs
from .live_image import Image
from .repository import PULL_ACTIONS

SECTION: Final = "Simple service"
CLOSED: Final = (
    "App Runner is closed to new customers since 2026-04-30: an account that did not have it then is refused, and it "
    "gets nothing new. Its successor is ECS Express Mode (kind: express)"
)

_LONGEST_NAME, _LONGEST_OF_SCALING = 40, 32
"""Of services and connectors, and of what says how they scale and are watched."""


class AppRunnerService(Component):
    """Instances of App Runner's, with the fewest permissions and connections that they need."""

    CHILDREN = (
        *("security_group", "egress_rule", "connector", "access_role", "access_policy", "instance_role"),
        *("instance_policy", "scaling", "observability", "service", "alarm"),
    )

    name: pulumi.Output[str]
    url: pulumi.Output[str]
    """Where it answers: an address of AWS's."""
    task_role: aws.iam.Role
    """What the application may do: other components grant to it."""
    security_group_id: pulumi.Output[str] | None
    """Of the connector by which it calls into the network; None where it has none."""

    def __init__(
        self,
        name: str,
        args: AppRunnerServiceArgs,
        *,
        image: Image,
        network: Network | None = None,
        environment: Mapping[str, pulumi.Input[str]] | None = None,
        secrets: Mapping[str, Secret] | None = None,
        key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param image: What runs in it: one that is there, because App Runner keeps no service that never started.
        :param network: All its calls go by the private subnets, whose endpoints or NAT then lead to AWS and the
            internet. Left out: it calls from outside, and reaches nothing that is private.
        :param environment: Further environment variables, whose values other resources give; nothing secret.
        :param secrets: Environment variables whose values App Runner fetches when an instance starts.
        :param key: What encrypts App Runner's copy of the image, and its log.
        """
        super().__init__(name, args, opts)
        self._args, self._account = args, Account.of(self)
        pulumi.log.warn(f"{name}: {CLOSED}", self)
        told, hidden = {**(environment or {}), **args.environment}, secrets or {}
        for twice in sorted(told.keys() & hidden.keys()):
            raise ArgumentError(
                "secrets", twice, "is also in environment; a name can be given once, remove one of them"
            )
        self._egress = None if network is None else self._reach(network)
        self.security_group_id = None if self._egress is None else self._egress.group_id

        statements = [*read_secrets(hidden, "Its", self._account), *([SEND_TRACES] if args.tracing else [])]
        self.task_role, may_work = self._role("instance", "tasks.apprunner.amazonaws.com", statements)
        access, may_pull = self._access(image)
        service = self._service(image, network, access, told, hidden, key, [*may_work, *may_pull])
        self.name, self._id = service.service_name, service.service_id
        self.url = pulumi.Output.concat("https://", service.service_url)
        self.register_outputs({"url": self.url})

    def allow_to(self, security_group_id: pulumi.Input[str], port: pulumi.Input[int], what: str) -> None:
        """Let it call one port of another group of its network, which must let it in."""
        self._in_network.allow(what, port, f"To the {what}", group=security_group_id)

    def allow_to_prefix_list(self, prefix_list_id: pulumi.Input[str], what: str) -> None:
        """Let it call an AWS service behind a gateway endpoint of its network, by HTTPS."""
        self._in_network.allow(what, 443, f"To {what}, through its gateway endpoint", prefix_list=prefix_list_id)

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Wake somebody when requests fail; tell somebody when its instances are nearly too small."""
        failed, asked = (self._metric(name, "Sum") for name in ("5xxStatusResponses", "Requests"))
        return [
            *(
                self._alarm(
                    what.lower(),
                    description=f"uses more than {self._args.alarm_use_percent} % of its {what} for 10 minutes. It no "
                    "longer scales, or its instances are too small.",
                    metric=self._metric(metric, "Average"),
                    threshold=self._args.alarm_use_percent,
                    periods=10,
                    severity="warning",
                    topics=topics,
                )
                for what, metric in (("CPU", "CPUUtilization"), ("memory", "MemoryUtilization"))
            ),
            self._alarm(
                "5xx",
                description="more than 5 % of the answers are 5xx for 5 minutes. Look at its application log.",
                # A few failures among few requests say little: at least ten in a minute.
                expression=("IF(failed >= 10, 100 * failed / requests, 0)", {"failed": failed, "requests": asked}),
                threshold=5,
                severity="critical",
                topics=topics,
            ),
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How hard it works, how many instances do the work, and how its requests end."""
        used = [self._metric(name, "Average") for name in ("CPUUtilization", "MemoryUtilization")]
        asked = (("ActiveInstances", "Maximum"), ("Requests", "Sum"), ("5xxStatusResponses", "Sum"))
        return [
            *(self._graph(SECTION, metric, most=100) for metric in used),
            *(self._graph(SECTION, self._metric(*each)) for each in asked),
        ]

    def _metric(self, name: str, statistic: str) -> Metric:
        dimensions = {"ServiceName": self.name, "ServiceID": self._id}
        return Metric(namespace="AWS/AppRunner", name=name, dimensions=dimensions, statistic=statistic)

    # --- What it is made of ------------------------------------------------------------------------------------------

    @property
    def _in_network(self) -> Egress:
        if self._egress is None:
            raise ArgumentError("network", None, "is needed to reach what is private; give the network that it is in")
        return self._egress

    def _reach(self, network: Network) -> Egress:
        egress = Egress.of(self._prefix, f"Calls of {self._prefix}", network, self._child)
        if network.endpoint_security_group_id is None:
            # Without endpoints AWS's services are reached by their public addresses, through NAT.
            egress.allow_internet()
        return egress

    def _role(
        self, kind: str, service: str, statements: list[Statement]
    ) -> tuple[aws.iam.Role, list[aws.iam.RolePolicy]]:
        role = aws.iam.Role(
            f"{self._prefix}-{kind}-role",
            description=f"What App Runner's {kind} of {self._prefix} may do.",
            assume_role_policy=trust(
                service,
                source_account=self._account.id,
                source_arn=self._account.arn("apprunner", "*"),
                # https://docs.aws.amazon.com/apprunner/latest/dg/security_iam_service-with-iam.html has none.
                says_for_whom=False,
            ),
            opts=self._child(f"{kind}_role"),
        )
        if not statements:
            return role, []
        policy = aws.iam.RolePolicy(
            f"{self._prefix}-{kind}-policy",
            role=role.id,
            policy=document(*statements),
            opts=self._child(f"{kind}_policy"),
        )
        return role, [policy]

    def _access(self, image: Image) -> tuple[aws.iam.Role | None, list[aws.iam.RolePolicy]]:
        """The role that fetches the image; none for one that anybody may fetch."""
        repository = image.repository_arn(self._account)
        if repository is None:
            return None, []
        statements = [
            # A token for the registry; the action knows no resource.
            statement("LogInToTheRegistry", actions="ecr:GetAuthorizationToken", resources="*"),
            statement("PullTheImage", actions=[*PULL_ACTIONS, "ecr:DescribeImages"], resources=repository),
        ]
        return self._role("access", "build.apprunner.amazonaws.com", statements)

    def _connector(self, network: Network, egress: Egress) -> aws.apprunner.VpcConnector:
        return aws.apprunner.VpcConnector(
            f"{self._prefix}-connector",
            vpc_connector_name=shortened(self._prefix, _LONGEST_NAME),
            subnets=network.private_subnet_ids,
            security_groups=[egress.group_id],
            opts=self._child("connector"),
        )

    def _observability(self) -> aws.apprunner.ServiceObservabilityConfigurationArgs | None:
        if not self._args.tracing:
            return None
        made = aws.apprunner.ObservabilityConfiguration(
            f"{self._prefix}-observability",
            observability_configuration_name=shortened(self._prefix, _LONGEST_OF_SCALING),
            trace_configuration=aws.apprunner.ObservabilityConfigurationTraceConfigurationArgs(vendor="AWSXRAY"),
            opts=self._child("observability"),
        )
        return aws.apprunner.ServiceObservabilityConfigurationArgs(
            observability_enabled=True, observability_configuration_arn=made.arn
        )

    def _service(
        self,
        image: Image,
        network: Network | None,
        access: aws.iam.Role | None,
        told: Mapping[str, pulumi.Input[str]],
        hidden: Mapping[str, Secret],
        key: AnyKey | None,
        after: list[aws.iam.RolePolicy],
    ) -> aws.apprunner.Service:
        args, part = self._args, aws.apprunner
        scaling = part.AutoScalingConfigurationVersion(
            f"{self._prefix}-scaling",
            auto_scaling_configuration_name=shortened(self._prefix, _LONGEST_OF_SCALING),
            min_size=args.scaling.minimum,
            max_size=args.scaling.maximum,
            max_concurrency=args.scaling.concurrency,
            opts=self._child("scaling"),
        )
        egress = part.ServiceNetworkConfigurationEgressConfigurationArgs(egress_type="DEFAULT")
        if network is not None and self._egress is not None:
            connector = self._connector(network, self._egress)
            egress = part.ServiceNetworkConfigurationEgressConfigurationArgs(
                egress_type="VPC", vpc_connector_arn=connector.arn
            )
        return part.Service(
            f"{self._prefix}-app-runner",
            # Operators look it up by name.
            service_name=shortened(self._prefix, _LONGEST_NAME),
            auto_scaling_configuration_arn=scaling.arn,
            encryption_configuration=(
                part.ServiceEncryptionConfigurationArgs(kms_key=key.arn) if key is not None else None
            ),
            health_check_configuration=part.ServiceHealthCheckConfigurationArgs(
                protocol="HTTP",
                path=args.health_path,
                interval=args.health_interval_seconds,
                timeout=min(5, args.health_interval_seconds),
                healthy_threshold=1,
                unhealthy_threshold=args.unhealthy_after,
            ),
            instance_configuration=part.ServiceInstanceConfigurationArgs(
                cpu=str(args.cpu), memory=str(args.memory), instance_role_arn=self.task_role.arn
            ),
            network_configuration=part.ServiceNetworkConfigurationArgs(egress_configuration=egress),
            observability_configuration=self._observability(),
            source_configuration=part.ServiceSourceConfigurationArgs(
                # What runs is what an update says, not whatever is pushed.
                auto_deployments_enabled=False,
                authentication_configuration=(
                    part.ServiceSourceConfigurationAuthenticationConfigurationArgs(access_role_arn=access.arn)
                    if access is not None
                    else None
                ),
                image_repository=part.ServiceSourceConfigurationImageRepositoryArgs(
                    image_identifier=image.uri,
                    image_repository_type="ECR" if access is not None else "ECR_PUBLIC",
                    image_configuration=part.ServiceSourceConfigurationImageRepositoryImageConfigurationArgs(
                        port=str(args.port),
                        start_command=args.command,
                        runtime_environment_variables=dict(told),
                        runtime_environment_secrets={name: secret.reference for name, secret in hidden.items()},
                    ),
                ),
            ),
            opts=self._child("service", depends_on=after),
        )
