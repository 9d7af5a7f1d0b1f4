"""One small server for a whole application: proxy, API and Redis in containers on EC2, reached through CloudFront only.

Use: host = FreeTierHost("wiki-personal-host", FreeTierHostArgs(vpc_id=…, subnet_id=…, repository_url=…, …))
     host.allow_to(database.security_group_id, database.port, "database")
     repository.grant_pull(host.role)
     ApiOrigin(domain=host.public_dns, port=host.origin_port, secret_header=(host.origin_header, host.origin_secret))

Nobody logs in: shells and deployments go through Systems Manager, which the instance itself calls. A change of its user
data makes a new instance; what must last is on a volume of its own. Why it speaks plain HTTP to CloudFront:
docs/decisions/0013-plain-http-from-cloudfront-to-the-host.md.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.compute.host_user_data import SCRIPT, check_files, user_data
from components.edge.origin_secret import HEADER, origin_secret, value_of
from components.identity.key import DECRYPT_ACTIONS
from components.policy import Statement, document, statement
from components.refusal import Refusal
from components.retention import Retention
from components.security_rules import let_in, let_out

System = Literal["amazonLinux", "ubuntu"]

SIZES: Final = {"t3.micro": 1, "t3.small": 2, "t3.medium": 4}
"""Instance type → GiB of memory (https://aws.amazon.com/ec2/instance-types/t3/). Only types of x86_64, for which the
images and Docker Compose are chosen. Of these only t3.micro is in the free tier of 12 months
(https://aws.amazon.com/ec2/pricing/: 750 hours of t2.micro, or of t3.micro where there is no t2.micro)."""

FREE_SIZES: Final = ("t3.micro",)
"""What the free tier of 12 months holds."""

FREE_STORAGE_GIB: Final = 30
"""EBS storage in the free tier of 12 months, all volumes together (https://aws.amazon.com/ebs/pricing/)."""

_IMAGES: Final[Mapping[System, str]] = {
    "amazonLinux": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    "ubuntu": "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
}
"""Public parameters of Amazon and of Canonical that hold the image of today in each region."""

_ROOT_DEVICES: Final[Mapping[System, str]] = {"amazonLinux": "/dev/xvda", "ubuntu": "/dev/sda1"}

# Amazon's packages come by HTTPS; Ubuntu's archives are served by HTTP only, and signed.
_OUTWARD_PORTS: Final[Mapping[System, tuple[int, ...]]] = {"amazonLinux": (443,), "ubuntu": (443, 80)}

COMPOSE_VERSION: Final = "5.1.3"
COMPOSE_SHA256: Final = "a0298760c9772d2c06888fc8703a487c94c3c3b0134adeef830742a2fc7647b4"
"""Of docker-compose-linux-x86_64, as Docker's own image pins it (github.com/docker-library/docker)."""

ORIGIN_PORT: Final = 80
ORIGIN_HEADER: Final = HEADER

# AWS keeps the list of the addresses from which CloudFront fetches. It counts as 55 of the 60 of a group: one port.
_CLOUDFRONT: Final = "com.amazonaws.global.cloudfront.origin-facing"

# What the agent of Systems Manager calls for shells and for commands; none of it knows a narrower resource. Left out of
# AWS's own policy AmazonSSMManagedInstanceCore: reading every parameter of the account, inventory, patching.
_AGENT_ACTIONS: Final = (
    "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage",
    "ec2messages:FailMessage",
    "ec2messages:GetEndpoint",
    "ec2messages:GetMessages",
    "ec2messages:SendReply",
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)

_TAG: Final = re.compile(r"(?!latest$)\w[\w.-]{0,127}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class HostDatabase:
    """The PostgreSQL with which the application works."""

    endpoint: pulumi.Input[str]
    """Where it answers."""

    port: int
    """On which port."""

    name: str
    """Which of its databases."""

    secret_arn: pulumi.Input[str]
    """The secret, or encrypted parameter, with `username` and `password` as JSON; read on the host at each start."""


@dataclass(frozen=True, kw_only=True)
class FreeTierHostArgs:
    """What the caller decides about a host. A t3.micro is about $10 a month in ap-northeast-1, its public address
    $3.65, a GiB of storage $0.096; in the free tier of 12 months all of it is free for one host."""

    vpc_id: pulumi.Input[str]
    """The network."""

    subnet_id: pulumi.Input[str]
    """A public subnet: without NAT the host reaches packages, images and AWS by an address of its own."""

    availability_zone: pulumi.Input[str]
    """The zone of that subnet, in which the data volume must be, too."""

    files: Path
    """The folder with what runs on the host (`workloads/host`)."""

    repository_url: pulumi.Input[str]
    """The ECR repository of the application's image, without a tag."""

    first_tag: str
    """The image that runs until a deployment brings another one. A deployment's choice is kept on the data volume."""

    environment: str
    """What the application is told about where it is, such as `dev`."""

    database: HostDatabase | None = None
    """Without one the application keeps nothing."""

    instance_type: str = "t3.micro"
    """t3.micro, t3.small or t3.medium. Only t3.micro is in the free tier."""

    system: System = "amazonLinux"
    """amazonLinux: Amazon Linux 2023, ubuntu: Ubuntu 22.04 LTS. A change makes a new instance."""

    ami_id: str | None = None
    """A certain image. None: the newest at the first deployment, and that one stays, since each newer one would replace
    the host. To roll to a newer image, give its id."""

    root_gib: int = 12
    """The volume of the system and the images; goes with the instance."""

    data_gib: int = 8
    """The volume of what lasts: Redis, and which image runs. Can grow, and never shrink."""

    ssh_from: Sequence[str] = ()
    """Administrators' addresses that may connect to port 22, each at most a /24. Empty: nobody, the port stays closed;
    a shell is `aws ssm start-session`, which needs no port, no key and leaves a record."""

    ssh_key_name: str | None = None
    """The key pair for SSH. None: EC2 Instance Connect brings a key for each connection."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the volumes and of the origin's secret. None: AWS's own keys."""

    log_key_arn: pulumi.Input[str] | None = None
    """The KMS key of the log group."""

    log_retention_days: int = 30
    """Days until a record is deleted."""

    parameter_path: str
    """Where the origin's secret is kept in the Parameter Store, such as `/wiki/dev`. Standard parameters are free."""

    retention: Retention = "protected"
    """protected: the data volume refuses to be deleted and leaves a snapshot; AWS refuses to stop or end the instance
    by hand. ephemeral: all of it goes."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if self.instance_type not in SIZES:
            raise Refusal("instance_type", self.instance_type, f"is not allowed; use {', '.join(SIZES)}")
        if self.system not in get_args(System):
            raise Refusal("system", self.system, f"is not allowed; use {', '.join(get_args(System))}")
        if self.ami_id is not None and not re.fullmatch(r"ami-[0-9a-f]{8,17}", self.ami_id):
            raise Refusal("ami_id", self.ami_id, "is not the id of an image; write one such as ami-0123456789abcdef0")
        # The images of both systems have a root volume of 8 GiB, and containers need room beside it.
        if not 10 <= self.root_gib <= 1024:
            raise Refusal("root_gib", self.root_gib, "is not allowed; use 10 to 1024 GiB")
        if not 1 <= self.data_gib <= 16384:
            raise Refusal("data_gib", self.data_gib, "is not allowed; use 1 to 16384 GiB")
        if not _TAG.fullmatch(self.first_tag):
            raise Refusal(
                "first_tag", self.first_tag, "is not allowed; use a tag that stays, such as 1.4.2, not latest"
            )
        for index, cidr in enumerate(self.ssh_from):
            _check_administrator(f"ssh_from[{index}]", cidr)
        if len(set(self.ssh_from)) != len(self.ssh_from):
            raise Refusal("ssh_from", list(self.ssh_from), "names an address twice; name each once")
        # With CloudFront's list, which counts as 55, the group has room for so many.
        if len(self.ssh_from) > 5:
            raise Refusal("ssh_from", list(self.ssh_from), "has more than 5 addresses; use Session Manager instead")
        if self.ssh_key_name is not None and not self.ssh_from:
            raise Refusal(
                "ssh_key_name", self.ssh_key_name, "opens nothing without ssh_from; remove it, or name addresses"
            )
        check_files(self.files)


def _check_administrator(field_: str, cidr: str) -> None:
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError:
        raise Refusal(field_, cidr, "is not an IPv4 network; write your own address such as 203.0.113.7/32") from None
    if network.prefixlen < 24:
        raise Refusal(
            field_,
            cidr,
            f"lets {network.num_addresses} addresses in; name the administrator's own, such as 203.0.113.7/32 "
            "(at most a /24), or use Session Manager",
        )


class FreeTierHost(pulumi.ComponentResource):
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
    deployment_document: pulumi.Output[str]
    """The name of the SSM document that brings another image: one parameter, `tag`."""
    deployment_document_arn: pulumi.Output[str]

    def __init__(self, name: str, args: FreeTierHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:compute:FreeTierHost", name, None, opts)
        self._prefix, self._args = name, args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)
        self._protected = args.retention == "protected"
        self.name = f"{name}-instance"

        self.security_group_id = self._security_group()
        self._log_group = self._make_log_group()
        parameter = self._origin_secret()
        self.role, policy = self._make_role(parameter)
        self._data_volume = self._make_data_volume()
        interface, address = self._network_interface()
        instance = self._instance(parameter, policy, interface, address)
        self._deployment()

        self.instance_id = instance.id
        self.public_dns, self.public_ip = address.public_dns, address.public_ip
        self.log_group_name = self._log_group.name
        self.origin_secret = value_of(parameter)
        self.register_outputs({"publicDns": self.public_dns})

    def allow_to(self, security_group_id: pulumi.Input[str], port: int, name: str) -> None:
        """Let the host call one port of another group; `name` tells the rules apart."""
        rule, opts = f"{self._prefix}-egress-to-{name}", self._child("egress_rule")
        let_out(rule, self.security_group_id, port, f"Calls to the {name}", opts, group=security_group_id)

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Alarms on the processor, on failed status checks, and on failing requests: four of the ten free ones."""

        def metric(name: str, statistic: str) -> Metric:
            return Metric(
                namespace="AWS/EC2", name=name, dimensions={"InstanceId": self.instance_id}, statistic=statistic
            )

        requests = self._count("requests", "{ $.status >= 100 }")
        errors = self._count("server-errors", "{ $.status >= 500 }")
        opts = self._child("alarm")
        return [
            raise_alarm(
                f"{self._prefix}-cpu",
                means=f"The processor of {self._prefix} is over 80 % for 5 minutes. Look at what it is busy with.",
                metric=metric("CPUUtilization", "Average"),
                threshold=80,
                # Without detailed monitoring, which costs, there is one figure in 5 minutes.
                period_seconds=300,
                periods=1,
                severity="warning",
                topics=topics,
                opts=opts,
            ),
            raise_alarm(
                f"{self._prefix}-status",
                means=(
                    f"{self._prefix} does not answer AWS's checks. AWS moves it to other hardware by itself; "
                    "if that does not help, look at its console output and restart it."
                ),
                metric=metric("StatusCheckFailed", "Maximum"),
                threshold=0,
                periods=2,
                severity="critical",
                topics=topics,
                opts=opts,
            ),
            raise_alarm(
                f"{self._prefix}-server-error-rate",
                means=(
                    f"More than 5 % of the requests to {self._prefix} fail with a 5xx status. "
                    f"Look at the stream api of the log group /ec2/{self._prefix}."
                ),
                expression=("100 * FILL(errors, 0) / requests", {"errors": errors, "requests": requests}),
                threshold=5,
                periods=1,
                severity="critical",
                topics=topics,
                opts=opts,
            ),
        ]

    def _count(self, what: str, pattern: str) -> Metric:
        """How many records of requests match a pattern; the application writes one with `status` for each."""
        name = f"{self._prefix}-{what}"
        aws.cloudwatch.LogMetricFilter(
            f"{name}-metric-filter",
            name=name,
            log_group_name=self._log_group.name,
            pattern=pattern,
            metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
                namespace="Kumiki/Host", name=name, value="1", unit="Count"
            ),
            opts=self._child("metric_filter"),
        )
        return Metric(namespace="Kumiki/Host", name=name, dimensions={}, statistic="Sum")

    def _security_group(self) -> pulumi.Output[str]:
        group = aws.ec2.SecurityGroup(
            f"{self._prefix}-security-group",
            vpc_id=self._args.vpc_id,
            description=f"The host {self._prefix}",
            tags={"Name": f"{self._prefix}-security-group"},
            opts=self._child("security_group"),
        )
        cloudfront = aws.ec2.get_managed_prefix_list_output(name=_CLOUDFRONT, opts=pulumi.InvokeOptions(parent=self)).id
        rule, opts = f"{self._prefix}-ingress-from-cloudfront", self._child("ingress_rule")
        let_in(rule, group.id, ORIGIN_PORT, "Requests by way of CloudFront", opts, prefix_list=cloudfront)
        for number, cidr in enumerate(self._args.ssh_from, start=1):
            rule, opts = f"{self._prefix}-ssh-ingress-{number}", self._child("ssh_ingress_rule")
            let_in(rule, group.id, 22, "Shells of an administrator", opts, cidr=cidr)
        for port in _OUTWARD_PORTS[self._args.system]:
            why = "AWS, packages and images" if port == 443 else "Ubuntu's packages, which are signed"
            let_out(f"{self._prefix}-egress-{port}", group.id, port, why, self._child("egress_rule"), cidr="0.0.0.0/0")
        return group.id

    def _make_log_group(self) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            f"{self._prefix}-log-group",
            name=f"/ec2/{self._prefix}",
            retention_in_days=self._args.log_retention_days,
            kms_key_id=self._args.log_key_arn,
            opts=self._child("log_group"),
        )

    def _origin_secret(self) -> aws.ssm.Parameter:
        # The host takes a new one at its next start.
        return origin_secret(
            f"{self._prefix}-origin-secret",
            f"{self._args.parameter_path}/{self._prefix}/origin-secret",
            key_arn=self._args.key_arn,
            opts=self._child("origin_secret"),
            parent=self,
        )

    def _make_role(self, parameter: aws.ssm.Parameter) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        role = aws.iam.Role(
            f"{self._prefix}-role",
            description=f"What the host {self._prefix} may do",
            assume_role_policy=document({
                "Sid": "AssumedByInstances",
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }),
            opts=self._child("role"),
        )  # fmt: skip
        policy = aws.iam.RolePolicy(
            f"{self._prefix}-policy",
            role=role.id,
            policy=document(*self._permissions(parameter)),
            opts=self._child("policy"),
        )
        return role, policy

    def _permissions(self, parameter: aws.ssm.Parameter) -> Iterator[Statement]:
        yield statement("AnswerSystemsManager", actions=_AGENT_ACTIONS, resources="*")
        yield statement(
            "WriteLogs",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=pulumi.Output.concat(self._log_group.arn, ":*"),
        )
        yield statement("ReadTheOriginsSecret", actions="ssm:GetParameter", resources=parameter.arn)
        if self._args.key_arn is not None:
            yield statement(
                "DecryptTheOriginsSecret",
                actions=DECRYPT_ACTIONS[0],
                resources=self._args.key_arn,
                # The key protects more than this; the host gets no further by way of it.
                condition={"StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": parameter.arn}},
            )

    def _make_data_volume(self) -> aws.ebs.Volume:
        return aws.ebs.Volume(
            f"{self._prefix}-data-volume",
            availability_zone=self._args.availability_zone,
            type="gp3",
            size=self._args.data_gib,
            encrypted=True,
            kms_key_id=self._args.key_arn,
            final_snapshot=self._protected,
            tags={"Name": f"{self._prefix}-data-volume"},
            opts=self._child("data_volume", protect=self._protected),
        )

    def _network_interface(self) -> tuple[aws.ec2.NetworkInterface, aws.ec2.Eip]:
        """Apart from the instance, and before it: it has its address from its first second, and so has the next one."""
        interface = aws.ec2.NetworkInterface(
            f"{self._prefix}-network-interface",
            subnet_id=self._args.subnet_id,
            security_groups=[self.security_group_id],
            description=f"The host {self._prefix}",
            tags={"Name": f"{self._prefix}-network-interface"},
            opts=self._child("network_interface"),
        )
        address = aws.ec2.Eip(
            f"{self._prefix}-address",
            domain="vpc",
            network_interface=interface.id,
            tags={"Name": f"{self._prefix}-address"},
            opts=self._child("address"),
        )
        return interface, address

    def _instance(
        self,
        parameter: aws.ssm.Parameter,
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
            key_name=args.ssh_key_name,
            user_data=self._user_data(parameter),
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
                kms_key_id=args.key_arn,
                delete_on_termination=True,
                tags={"Name": f"{self._prefix}-root-volume"},
            ),
            maintenance_options=aws.ec2.InstanceMaintenanceOptionsArgs(auto_recovery="default"),
            instance_initiated_shutdown_behavior="stop",
            disable_api_stop=self._protected,
            disable_api_termination=self._protected,
            # An update may replace it all the same: what lasts is on the data volume.
            force_destroy=True,
            tags={"Name": self.name},
            opts=self._child(
                "instance",
                # There is one interface and one volume, which the next instance takes over.
                delete_before_replace=True,
                # Amazon publishes a new image every few weeks, which would replace the host each time.
                ignore_changes=[] if args.ami_id else ["ami"],
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

    def _user_data(self, parameter: aws.ssm.Parameter) -> pulumi.Output[str]:
        args = self._args
        database = args.database
        return pulumi.Output.all(
            AWS_REGION=self._account.region,
            COMPOSE_SHA256=COMPOSE_SHA256,
            COMPOSE_VERSION=COMPOSE_VERSION,
            DATABASE_HOST=database.endpoint if database else "",
            DATABASE_NAME=database.name if database else "",
            DATABASE_PORT=str(database.port) if database else "",
            DATABASE_SECRET_ARN=database.secret_arn if database else "",
            ENVIRONMENT=args.environment,
            FIRST_TAG=args.first_tag,
            IMAGE_REPOSITORY=args.repository_url,
            LOG_GROUP=self._log_group.name,
            ORIGIN_SECRET_PARAMETER=parameter.name,
            SYSTEM=args.system,
            VOLUME_ID=self._data_volume.id,
        ).apply(lambda variables: user_data(args.files, variables))

    def _deployment(self) -> None:
        # A document of its own: whoever may send it can bring another tag of this image, and run nothing else.
        document_ = aws.ssm.Document(
            f"{self._prefix}-deployment",
            name=f"{self._prefix}-deploy",
            document_type="Command",
            document_format="JSON",
            target_type="/AWS::EC2::Instance",
            content=json.dumps(_DEPLOYMENT, sort_keys=True),
            opts=self._child("deployment"),
        )
        self.deployment_document, self.deployment_document_arn = document_.name, document_.arn


_DEPLOYMENT: Final = {
    "schemaVersion": "2.2",
    "description": "Bring another image of the application: migrate, start, look, and go back if it does not answer",
    "parameters": {
        "tag": {
            "type": "String",
            "description": "The tag of the image",
            # Anything else could be more than a tag: the parameter becomes part of a command.
            "allowedPattern": "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$",
        }
    },
    "mainSteps": [
        {
            "action": "aws:runShellScript",
            "name": "deploy",
            "precondition": {"StringEquals": ["platformType", "Linux"]},
            "inputs": {"runCommand": [f"{SCRIPT} deploy '{{{{ tag }}}}'"], "timeoutSeconds": "1500"},
        }
    ],
}
