"""A PySpark job on AWS Glue 5, and its way into a database.

Use: prepare = SparkJob("chat-dev-prepare-logs", SparkJobArgs(script="logs.py"), lake=lake, code=code)
     lake.grant_write("clean", prepare.role)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Unpack

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..alarms import Metric
from ..args import Args, ComponentArgs
from ..component import Component
from ..data.database import Database
from ..errors import ArgumentError
from ..log_group import make_log_group
from ..network.network import Network
from ..policy import Statement, document, statement, trust
from ..security_rules import SourceOrDestination, allow_egress
from ..widgets import Widget
from .data_lake import READ_SECURITY, DataLake
from .job_code import LIBRARY, JobCode

GLUE_VERSION: Final = "5.0"
"""Spark 3.5.4, Python 3.11 (AWS Glue release notes)."""

WORKERS: Final = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
"""DPUs of each type of worker: a DPU is 4 vCPU and 16 GB, $0.44 an hour, billed by the second from one minute."""


class JobSize(Args):
    """How large a job may become, and how long it may take."""

    worker_type: Literal["G.1X", "G.2X", "G.4X", "G.8X"] = "G.1X"
    """The kind of worker: 4, 8, 16 or 32 vCPU, $0.44 an hour for each 4."""

    max_workers: Annotated[int, Field(ge=2, le=299)] = 2
    """The most workers of one job at once; Glue takes fewer when the work is small."""

    timeout_minutes: Annotated[int, Field(ge=1, le=2880)] = 60
    """When a run is stopped. Glue's own limit is 8 hours, which are paid for."""


class SparkJobArgs(ComponentArgs):
    """A job on Glue. It costs only while it runs: see `WORKERS`."""

    script: str
    """The file of the code that runs."""

    size: JobSize = JobSize()
    """How large it may become."""


class SparkJob(Component):
    """A Glue job and its role, to which callers grant the zones that it works on."""

    CHILDREN = ("role", "log_group", "policy", "job", "grant")

    role: aws.iam.Role
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    log_groups: dict[str, aws.cloudwatch.LogGroup]
    """What the job prints (`output`) and what Spark says (`error`)."""

    def __init__(
        self,
        name: str,
        args: SparkJobArgs,
        *,
        lake: DataLake,
        code: JobCode,
        arguments: Mapping[str, pulumi.Input[str]] | None = None,
        connection: DatabaseConnection | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param lake: What it works on; gives the keys and the days of its logs.
        :param code: Where its files are.
        :param arguments: What it is started with, such as `--clean`. No secrets: Glue shows them to everybody who may
            look.
        :param connection: Its way into a database.
        """
        super().__init__(name, args, opts)
        for argument in arguments or {}:
            if not argument.startswith("--"):
                raise ArgumentError(
                    "arguments", argument, f"must begin with two hyphens; write --{argument.lstrip('-')}"
                )
        self._lake, self._code = lake, code
        child = self._child
        account = Account.of(self)
        self.role = aws.iam.Role(
            f"{name}-role",
            description=f"What the runs of {name} may do.",
            assume_role_policy=trust(
                "glue.amazonaws.com",
                source_account=account.id,
                source_arn=account.arn("glue", "*"),
                says_for_whom=False,
            ),
            opts=child("role"),
        )
        log_prefix = f"/aws/glue/{name}"
        self.log_groups = {kind: self._log_group(log_prefix, kind) for kind in ("error", "output")}
        policy = aws.iam.RolePolicy(
            f"{name}-policy", role=self.role.id, policy=document(*self._statements()), opts=child("policy")
        )
        if connection is not None:
            connection.grant_use(self.role)
        job = aws.glue.Job(
            f"{name}-job",
            name=name,
            role_arn=self.role.arn,
            glue_version=GLUE_VERSION,
            command=aws.glue.JobCommandArgs(
                name="glueetl", python_version="3", script_location=pulumi.Output.concat(code.url, args.script)
            ),
            default_arguments={
                **(arguments or {}),
                "--extra-py-files": pulumi.Output.concat(code.url, LIBRARY),
                "--enable-auto-scaling": "true",
                "--enable-metrics": "true",
                "--enable-observability-metrics": "true",
                # The jobs keep their own note of how far they have read, which works on any Spark.
                "--job-bookmark-option": "job-bookmark-disable",
                "--custom-logGroup-prefix": log_prefix,
            },
            worker_type=args.size.worker_type,
            number_of_workers=args.size.max_workers,
            timeout=args.size.timeout_minutes,
            # The workflow tries again, and knows when not to.
            max_retries=0,
            execution_property=aws.glue.JobExecutionPropertyArgs(max_concurrent_runs=1),
            connections=[connection.name] if connection is not None else None,
            security_configuration=lake.security_configuration_name,
            opts=child("job", depends_on=[policy, *code.objects]),
        )
        self.name, self.arn = job.name, job.arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    @property
    def widgets(self) -> list[Widget]:
        """How runs end, how long they take, and what failed in them."""
        # https://docs.aws.amazon.com/glue/latest/dg/monitor-observability.html
        ends = [self._metric(f"glue.{end}.ALL", "Sum", ObservabilityGroup="error") for end in ("succeed", "error")]
        tasks = [self._metric(f"glue.driver.aggregate.{name}", "Sum") for name in ("elapsedTime", "numFailedTasks")]
        return [self._graph("Jobs (Glue)", metric) for metric in (*ends, *tasks)]

    def _metric(self, name: str, statistic: str, **dimensions: str) -> Metric:
        known = {"JobName": self.name, "JobRunId": "ALL", "Type": "count", **dimensions}
        return Metric(namespace="Glue", name=name, dimensions=known, statistic=statistic)

    def grant_run(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role`, a workflow's for instance, start runs, hear how they end and stop them."""
        return self._allow(
            role,
            "run",
            statement(
                "RunTheJob",
                actions=["glue:BatchStopJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun"],
                resources=self.arn,
            ),
        )

    def _log_group(self, prefix: str, kind: str) -> aws.cloudwatch.LogGroup:
        lake = self._lake
        security = lake.security_configuration_name
        # Glue 5 puts these two names in between where a security configuration encrypts the logs.
        between = "" if security is None else pulumi.Output.concat("/", security, "-role/", self.role.name)
        return make_log_group(
            f"{self._prefix}-{kind}-log-group",
            pulumi.Output.concat(prefix, between, "/", kind),
            lake.log_retention_days,
            lake.log_key,
            self._child("log_group"),
        )

    def _statements(self) -> list[Statement]:
        code = self._code
        groups = [group.arn for group in self.log_groups.values()]
        statements = [
            statement("ReadTheCode", actions="s3:GetObject", resources=pulumi.Output.concat(code.bucket_arn, "/*")),
            statement(
                "WriteTheLog",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[pulumi.Output.concat(arn, ":*") for arn in groups],
            ),
            # Glue asks for its groups and their key at each start, although both are there.
            statement("AskForTheLog", actions=["logs:AssociateKmsKey", "logs:CreateLogGroup"], resources=groups),
            statement(
                "ReportMetrics",
                actions="cloudwatch:PutMetricData",
                # CloudWatch knows no resources; a namespace is the narrowest that there is.
                resources="*",
                condition={"StringEquals": {"cloudwatch:namespace": "Glue"}},
            ),
        ]
        if code.key is not None:
            statements += [
                statement("DecryptTheCode", actions=["kms:Decrypt", "kms:DescribeKey"], resources=code.key.arn),
                READ_SECURITY,
            ]
        return statements


class DatabaseConnectionArgs(ComponentArgs):
    """A connection. It is free; the workers' network interfaces come and go with runs."""


class DatabaseConnection(Component):
    """Glue's way into PostgreSQL: from a private subnet, with the database's own secret, over TLS."""

    CHILDREN = ("security_group", "ingress_rule", "egress_rule", "connection", "grant")

    name: pulumi.Output[str]
    url: pulumi.Output[str]
    """For Spark, without options: that it connects over TLS, and whom it believes, is the job's own code."""

    def __init__(
        self,
        name: str,
        args: DatabaseConnectionArgs,
        *,
        database: Database,
        network: Network,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param database: Which lets the workers in, and whose secret they open.
        :param network: The workers stand in its first private subnet.
        """
        super().__init__(name, args, opts)
        self._database = database
        self._account = Account.of(self)
        self._subnet = network.first_private_subnet_id
        zone = aws.ec2.get_subnet_output(id=self._subnet, opts=pulumi.InvokeOptions(parent=self)).availability_zone
        group = aws.ec2.SecurityGroup(
            f"{name}-security-group",
            description=f"Workers of the jobs that use {name}",
            vpc_id=network.vpc_id,
            opts=self._child("security_group"),
        )
        self._group = group
        database.allow_from(group.id, name)
        self._among_themselves()
        self._to("the database", "database", database.port, group=database.security_group_id)
        if network.s3_prefix_list_id is not None:
            self._to("S3, through its gateway endpoint", "s3", 443, prefix_list=network.s3_prefix_list_id)
        if network.endpoint_security_group_id is not None:
            endpoints = network.endpoint_security_group_id
            self._to("AWS services, through their endpoints", "endpoints", 443, group=endpoints)
        self.url = pulumi.Output.concat("jdbc:postgresql://", database.endpoint, f":{database.port}/{database.name}")
        connection = aws.glue.Connection(
            f"{name}-connection",
            name=name,
            description="PostgreSQL, for the jobs that bring history into the lake.",
            connection_type="JDBC",
            connection_properties={
                "JDBC_CONNECTION_URL": self.url,
                "JDBC_ENFORCE_SSL": "true",
                "SECRET_ID": database.secret_arn,
            },
            physical_connection_requirements=aws.glue.ConnectionPhysicalConnectionRequirementsArgs(
                availability_zone=zone, subnet_id=self._subnet, security_group_id_lists=[group.id]
            ),
            opts=self._child("connection"),
        )
        self.name = connection.name
        self.register_outputs({"name": self.name})

    def grant_use(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` place workers in the subnet, read the connection and log in to the database."""
        self._database.grant_connect(role)
        arn = self._account.arn
        subnet = pulumi.Output.concat(arn("ec2", "subnet/"), self._subnet)
        group = pulumi.Output.concat(arn("ec2", "security-group/"), self._group.id)
        interfaces = arn("ec2", "network-interface/*")
        return self._allow(
            role,
            "use",
            statement(
                "ReadTheConnection",
                actions="glue:GetConnection",
                resources=[
                    arn("glue", "catalog"),
                    pulumi.Output.concat(arn("glue", "connection/"), self.name),
                ],
            ),
            statement(
                "LookAtTheNetwork",
                actions=[
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeRouteTables",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcAttribute",
                    "ec2:DescribeVpcEndpoints",
                ],
                # EC2 knows no resources for describing.
                resources="*",
            ),
            statement("PlaceWorkers", actions="ec2:CreateNetworkInterface", resources=[group, interfaces, subnet]),
            statement(
                "MarkThem",
                actions=["ec2:CreateTags", "ec2:DeleteTags"],
                resources=interfaces,
                condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["aws-glue-service-resource"]}},
            ),
            statement(
                "RemoveThem",
                actions="ec2:DeleteNetworkInterface",
                resources=interfaces,
                condition={"ArnEquals": {"ec2:Subnet": subnet}},
            ),
        )

    def _among_themselves(self) -> None:
        """Glue refuses a connection whose workers may not talk to each other on every port."""
        for direction, rule in (
            ("ingress", aws.vpc.SecurityGroupIngressRule),
            ("egress", aws.vpc.SecurityGroupEgressRule),
        ):
            rule(
                f"{self._prefix}-workers-{direction}-rule",
                security_group_id=self._group.id,
                description="Workers of one job among themselves, as Glue demands",
                ip_protocol="tcp",
                from_port=0,
                to_port=65535,
                referenced_security_group_id=self._group.id,
                opts=self._child(f"{direction}_rule"),
            )

    def _to(self, what: str, title: str, port: int, **whom: Unpack[SourceOrDestination]) -> None:
        opts = self._child("egress_rule")
        allow_egress(f"{self._prefix}-{title}-egress-rule", self._group.id, port, f"To {what}", opts, **whom)
