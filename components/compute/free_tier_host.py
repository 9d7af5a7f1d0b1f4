"""One small server for a whole application: proxy, API and Redis in containers on EC2, reached through CloudFront only.

Use: host = FreeTierHost("wiki-personal-host", FreeTierHostArgs(tag="1.4.2"), network=network,
                        repository=repository, files=Path("workloads/host"), …)
     host.allow_to(database.security_group_id, database.port, "database")
     repository.grant_pull(host.role)
     OriginAddress(domain=host.public_dns, protocol="http", port=host.origin_port, secret=host.origin_secret)

Nobody logs in: shells and deployments go through Systems Manager, which the instance itself calls. A change of its user
data makes a new instance; what must last is on a volume of its own. Why it speaks plain HTTP to CloudFront:
docs/decisions/0010-plain-http-from-cloudfront-to-the-host.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Metric, metric_alarm
from ..component import Component
from ..data.database import Database
from ..edge.origin_secret import HEADER, origin_secret, value_of
from ..identity.key import AnyKey
from ..log_group import make_log_group
from ..network.network import Network
from ..security_rules import allow_egress
from ..widgets import Widget
from . import host_network
from .host_args import FreeTierHostArgs, Ssh, System
from .host_deployment import make_deployment
from .host_network import ORIGIN_PORT
from .host_role import make_host_role
from .host_user_data import check_files, user_data
from .repository import Repository

__all__ = ["FreeTierHost", "FreeTierHostArgs", "Ssh"]

_IMAGES: Final[Mapping[System, str]] = {
    "amazonLinux": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    "ubuntu": "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
}
"""Public parameters of Amazon and of Canonical that hold the image of today in each region."""

ORIGIN_HEADER: Final = HEADER

BASIC_SECONDS: Final = 300
"""Without detailed monitoring, which costs, there is one figure of the processor in 5 minutes."""


class FreeTierHost(Component):
    """An instance that only CloudFront can call, and that may do no more than its application needs."""

    CHILDREN = (
        "security_group", "ingress_rule", "ssh_ingress_rule", "egress_rule", "log_group", "origin_secret", "role",
        "policy", "instance_profile", "data_volume", "network_interface", "address", "instance", "volume_attachment",
        "deployment", "metric_filter", "alarm",
    )  # fmt: skip

    name: str
    """The tag `Name` of the instance, by which commands find it, however often it is replaced."""
    instance_id: pulumi.Output[str]
    public_dns: pulumi.Output[str]
    """Where CloudFront finds it; stays the same when the instance is replaced."""
    public_ip: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    role: aws.iam.Role
    """What the host may do: other components grant to it. The containers cannot use it."""
    origin_port: int = ORIGIN_PORT
    origin_header: str = ORIGIN_HEADER
    origin_secret: pulumi.Output[str]
    """What CloudFront must send in that header; everything else gets 403. A secret."""
    log_group_name: pulumi.Output[str]
    key: AnyKey | None
    """What encrypts its volumes."""
    protected: bool
    """Whether AWS refuses to stop or end it by hand."""
    deployment_document: pulumi.Output[str]
    """The name of the SSM document that brings another image: one parameter, `tag`."""
    deployment_document_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: FreeTierHostArgs,
        *,
        network: Network,
        repository: Repository,
        files: Path,
        environment: str,
        parameter_path: str,
        database: Database | None = None,
        key: AnyKey | None = None,
        logs_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param network: Where it stands, in the first public subnet: without NAT the host reaches packages, images and
            AWS by an address of its own.
        :param repository: Where the application's image lies.
        :param files: The folder with what runs on the host (`workloads/host`).
        :param environment: What the application is told about where it is, such as `dev`.
        :param parameter_path: Where the origin's secret is kept in the Parameter Store, such as `/wiki/dev`. Standard
            parameters are free.
        :param database: With which the application works. Without one it keeps nothing.
        :param key: What encrypts the volumes and the origin's secret. Without one AWS's own keys.
        :param logs_key: What encrypts the log group.
        """
        super().__init__(name, args, opts)
        check_files(files)
        self._args, self._network, self.key = args, network, key
        self._told = {
            "DATABASE_HOST": database.endpoint if database else "",
            "DATABASE_NAME": database.name if database else "",
            "DATABASE_PORT": str(database.port) if database else "",
            "DATABASE_SECRET_ARN": database.secret_arn if database else "",
            "ENVIRONMENT": environment,
            "IMAGE_REPOSITORY": repository.url,
        }
        self._subnet_id = network.first_public_subnet_id
        self._account = Account.of(self)
        self.protected = args.retention == "protected"
        self.name = f"{name}-instance"

        self._counts_requests = False
        self.security_group_id = host_network.security_group(self, name, args, network.vpc_id, self._child)
        self._log_group = make_log_group(
            f"{name}-log-group", f"/ec2/{name}", args.log_retention_days, logs_key, self._child("log_group")
        )
        # The host takes a new one at its next start.
        parameter = origin_secret(
            f"{name}-origin-secret",
            f"{parameter_path}/{name}/origin-secret",
            key_arn=key.arn if key else None,
            opts=self._child("origin_secret"),
            parent=self,
        )
        self.role, policy = make_host_role(name, self._log_group, parameter, key, self._child)
        self._data_volume = self._make_data_volume()
        interface, address = host_network.interface(name, self._subnet_id, self.security_group_id, self._child)
        instance = self._instance(self._user_data(files, parameter), policy, interface, address)
        deployment = make_deployment(name, self._child("deployment"))

        self.instance_id, self.arn = instance.id, instance.arn
        self.public_dns, self.public_ip = address.public_dns, address.public_ip
        self.log_group_name = self._log_group.name
        self.deployment_document, self.deployment_document_arn = deployment.name, deployment.arn
        self.origin_secret = value_of(parameter)
        self.register_outputs({"publicDns": self.public_dns})

    def allow_to(self, security_group_id: pulumi.Input[str], port: int, name: str) -> None:
        """Let the host call one port of another group; `name` tells the rules apart."""
        rule, opts = f"{self._prefix}-egress-to-{name}", self._child("egress_rule")
        allow_egress(rule, self.security_group_id, port, f"Calls to the {name}", opts, group=security_group_id)

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Alarms on the processor, on failed status checks, and on failing requests: four of the ten free ones."""

        for what, pattern in (("requests", "{ $.status >= 100 }"), ("server-errors", "{ $.status >= 500 }")):
            self._count(what, pattern)
        self._counts_requests = True
        opts = self._child("alarm")
        return [
            metric_alarm(
                f"{self._prefix}-cpu",
                description=f"The processor of {self._prefix} is over 80 % for 5 minutes. Look at what it is busy "
                "with.",
                metric=self._metric("CPUUtilization", "Average"),
                threshold=80,
                period_seconds=BASIC_SECONDS,
                periods=1,
                severity="warning",
                topics=topics,
                opts=opts,
            ),
            metric_alarm(
                f"{self._prefix}-status",
                description=(
                    f"{self._prefix} does not answer AWS's checks. AWS moves it to other hardware by itself; "
                    "if that does not help, look at its console output and restart it."
                ),
                metric=self._metric("StatusCheckFailed", "Maximum"),
                threshold=0,
                periods=2,
                severity="critical",
                topics=topics,
                opts=opts,
            ),
            metric_alarm(
                f"{self._prefix}-server-error-rate",
                description=(
                    f"More than 5 % of the requests to {self._prefix} fail with a 5xx status. "
                    f"Look at the stream api of the log group /ec2/{self._prefix}."
                ),
                expression=(
                    "100 * FILL(errors, 0) / requests",
                    {"errors": self._counted("server-errors"), "requests": self._counted("requests")},
                ),
                threshold=5,
                periods=1,
                severity="critical",
                topics=topics,
                opts=opts,
            ),
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How hard it works, whether it answers, and, where an alarm counts them, its requests."""
        section = "Host (EC2)"
        counted = [("requests", "Requests"), ("server-errors", "Requests that fail with 5xx")]
        return [
            self._graph(section, self._metric("CPUUtilization", "Average"), most=100, period_seconds=BASIC_SECONDS),
            self._graph(section, self._metric("StatusCheckFailed", "Maximum")),
            *(self._graph(section, self._counted(what), name=name) for what, name in counted if self._counts_requests),
        ]

    def _metric(self, name: str, statistic: str) -> Metric:
        return Metric(namespace="AWS/EC2", name=name, dimensions={"InstanceId": self.instance_id}, statistic=statistic)

    def _counted(self, what: str) -> Metric:
        return Metric(namespace="Kumiki/Host", name=f"{self._prefix}-{what}", dimensions={}, statistic="Sum")

    def _count(self, what: str, pattern: str) -> None:
        """Count the records of requests that match a pattern; the application writes one with `status` for each."""
        metric = self._counted(what)
        name = metric.name
        aws.cloudwatch.LogMetricFilter(
            f"{name}-metric-filter",
            name=name,
            log_group_name=self._log_group.name,
            pattern=pattern,
            metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
                namespace=metric.namespace, name=name, value="1", unit="Count"
            ),
            opts=self._child("metric_filter"),
        )

    def _make_data_volume(self) -> aws.ebs.Volume:
        return aws.ebs.Volume(
            f"{self._prefix}-data-volume",
            # Where the subnet is: a volume cannot be attached in another zone.
            availability_zone=aws.ec2.get_subnet_output(
                id=self._subnet_id, opts=pulumi.InvokeOptions(parent=self)
            ).availability_zone,
            type="gp3",
            size=self._args.data_gib,
            encrypted=True,
            kms_key_id=self.key.arn if self.key else None,
            final_snapshot=self.protected,
            tags={"Name": f"{self._prefix}-data-volume"},
            opts=self._child("data_volume", protect=self.protected),
        )

    def _instance(
        self,
        user_data: pulumi.Output[str],
        policy: aws.iam.RolePolicy,
        interface: aws.ec2.NetworkInterface,
        address: aws.ec2.Eip,
    ) -> aws.ec2.Instance:
        args = self._args
        profile = aws.iam.InstanceProfile(
            f"{self._prefix}-instance-profile", role=self.role.name, opts=self._child("instance_profile")
        )
        instance = aws.ec2.Instance(
            f"{self._prefix}-instance",
            ami=args.ami_id or self._newest_image(),
            instance_type=args.instance_type,
            primary_network_interface=aws.ec2.InstancePrimaryNetworkInterfaceArgs(network_interface_id=interface.id),
            iam_instance_profile=profile.name,
            key_name=args.ssh.key_name if args.ssh else None,
            user_data=user_data,
            user_data_replace_on_change=True,
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled",
                http_tokens="required",
                # One: the programs of the host reach it, a container, one hop further, does not.
                http_put_response_hop_limit=1,
                instance_metadata_tags="disabled",
            ),
            # T3 is unlimited by default, and bills what goes beyond its credits.
            credit_specification=aws.ec2.InstanceCreditSpecificationArgs(cpu_credits="standard"),
            root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
                volume_type="gp3",
                volume_size=args.root_gib,
                encrypted=True,
                kms_key_id=self.key.arn if self.key else None,
                delete_on_termination=True,
                tags={"Name": f"{self._prefix}-root-volume"},
            ),
            maintenance_options=aws.ec2.InstanceMaintenanceOptionsArgs(auto_recovery="default"),
            instance_initiated_shutdown_behavior="stop",
            disable_api_stop=self.protected,
            disable_api_termination=self.protected,
            # An update may replace it all the same: what lasts is on the data volume.
            force_destroy=True,
            tags={"Name": self.name},
            opts=self._child(
                "instance",
                # There is one interface and one volume, which the next instance takes over.
                delete_before_replace=True,
                # Amazon publishes a new image every few weeks, which would replace the host each time.
                ignore_changes=[] if args.ami_id else ["ami"],
                # The provider would stop it for another type, which AWS refuses where nobody may stop it.
                replace_on_changes=["instanceType"] if self.protected else [],
                # It calls AWS as soon as it starts.
                depends_on=[address, policy],
            ),
        )
        aws.ec2.VolumeAttachment(
            f"{self._prefix}-volume-attachment",
            # On the instance it is /dev/nvme1n1; found there by the volume's id.
            device_name="/dev/sdf",
            instance_id=instance.id,
            volume_id=self._data_volume.id,
            # It goes only when the instance ends, which detaches it; while the file system is in use AWS would wait.
            skip_destroy=True,
            opts=self._child("volume_attachment", delete_before_replace=True),
        )
        return instance

    def _newest_image(self) -> pulumi.Output[str]:
        # The plain value: the id of an image is no secret, and would hide the instance's plan.
        return aws.ssm.get_parameter_output(
            name=_IMAGES[self._args.system], opts=pulumi.InvokeOptions(parent=self)
        ).insecure_value

    def _user_data(self, files: Path, parameter: aws.ssm.Parameter) -> pulumi.Output[str]:
        return pulumi.Output.all(
            AWS_REGION=self._account.region,
            FIRST_TAG=self._args.tag,
            LOG_GROUP=self._log_group.name,
            ORIGIN_SECRET_PARAMETER=parameter.name,
            SYSTEM=self._args.system,
            VOLUME_ID=self._data_volume.id,
            **self._told,
        ).apply(lambda variables: user_data(files, variables))
