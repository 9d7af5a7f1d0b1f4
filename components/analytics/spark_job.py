"""A PySpark job on AWS Glue 5, and its way into a database.

Use: prepare = SparkJob("chat-dev-prepare-logs", SparkJobArgs(lake=lake, code=code, script="logs.py", arguments={…}))
     lake.grant_write("clean", prepare.role)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Unpack

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.analytics.data_lake import READ_SECURITY, DataLake
from components.analytics.job_code import LIBRARY, JobCode
from components.children import Children, Transform
from components.data.database import Database
from components.network.network import Network
from components.policy import Statement, document, statement, trust
from components.refusal import Refusal, nearest
from components.security_rules import Peer, let_out

GLUE_VERSION: Final = "5.0"
"""Spark 3.5.4, Python 3.11 (AWS Glue release notes)."""

WORKERS: Final = {"G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8}
"""DPUs of each type of worker: a DPU is 4 vCPU and 16 GB, $0.44 an hour, billed by the second from one minute."""


@dataclass(frozen=True, kw_only=True)
class JobSize:
    """How large a job may become, and how long it may take."""

    worker_type: str = "G.1X"
    """G.1X, G.2X, G.4X or G.8X."""

    max_workers: int = 2
    """The most workers at once, 2 to 299; Glue takes fewer when the work is small."""

    timeout_minutes: int = 60
    """Minutes after which a run is stopped, 1 to 2880. Glue's own limit is 8 hours, which are paid for."""

    def __post_init__(self) -> None:
        if self.worker_type not in WORKERS:
            raise Refusal(
                "worker_type",
                self.worker_type,
                f"is not a type of worker; {nearest(self.worker_type, WORKERS)}use {', '.join(WORKERS)}",
            )
        if not 2 <= self.max_workers <= 299:
            raise Refusal("max_workers", self.max_workers, "is not allowed; Glue takes 2 to 299")
        if not 1 <= self.timeout_minutes <= 2880:
            raise Refusal("timeout_minutes", self.timeout_minutes, "is not allowed; use 1 to 2880 (two days)")


@dataclass(frozen=True, kw_only=True)
class SparkJobArgs:
    """What the caller decides about a job. It costs only while it runs: see `WORKERS`."""

    lake: DataLake
    """The lake that it works on; gives the logs' groups and what it encrypts with."""

    code: JobCode
    """Where its files are."""

    script: str
    """The file of the code that runs."""

    arguments: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """What it is started with, such as `--clean`. No secrets: Glue shows them to everybody who may look."""

    size: JobSize = field(default_factory=JobSize)
    """How large it may become."""

    connection: DatabaseConnection | None = None
    """Its way into a database."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        for name in self.arguments:
            if not name.startswith("--"):
                raise Refusal("arguments", name, f"must begin with two hyphens; write --{name.lstrip('-')}")


class SparkJob(pulumi.ComponentResource):
    """A Glue job and its role, to which callers grant the zones that it works on."""

    CHILDREN = ("role", "log_group", "policy", "job", "grant")

    role: aws.iam.Role
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    log_groups: dict[str, aws.cloudwatch.LogGroup]
    """What the job prints (`output`) and what Spark says (`error`)."""

    def __init__(self, name: str, args: SparkJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:analytics:SparkJob", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = child = Children(self, args.transform, self.CHILDREN)
        account = Account.of(self)
        self.role = aws.iam.Role(
            f"{name}-role",
            description=f"What the runs of {name} may do.",
            assume_role_policy=trust(
                "glue.amazonaws.com", source_account=account.id, source_arn=account.arn("glue", "*")
            ),
            opts=child("role"),
        )
        log_prefix = f"/aws/glue/{name}"
        self.log_groups = {kind: self._log_group(log_prefix, kind) for kind in ("error", "output")}
        policy = aws.iam.RolePolicy(
            f"{name}-policy", role=self.role.id, policy=document(*self._statements()), opts=child("policy")
        )
        if args.connection is not None:
            args.connection.grant_use(self.role)
        job = aws.glue.Job(
            f"{name}-job",
            name=name,
            role_arn=self.role.arn,
            glue_version=GLUE_VERSION,
            command=aws.glue.JobCommandArgs(
                name="glueetl", python_version="3", script_location=pulumi.Output.concat(args.code.url, args.script)
            ),
            default_arguments={
                **args.arguments,
                "--extra-py-files": pulumi.Output.concat(args.code.url, LIBRARY),
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
            connections=[args.connection.name] if args.connection is not None else None,
            security_configuration=args.lake.security_configuration_name,
            opts=child("job", depends_on=[policy, *args.code.objects]),
        )
        self.name, self.arn = job.name, job.arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    def grant_run(self, role: aws.iam.Role) -> None:
        """Let `role`, a workflow's for instance, start runs, hear how they end and stop them."""
        aws.iam.RolePolicy(
            f"{self._prefix}-run-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(
                statement(
                    "RunTheJob",
                    actions=["glue:BatchStopJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun"],
                    resources=self.arn,
                )
            ),
            opts=self._child("grant"),
        )

    def _log_group(self, prefix: str, kind: str) -> aws.cloudwatch.LogGroup:
        lake = self._args.lake
        security = lake.security_configuration_name
        # Glue 5 puts these two names in between where a security configuration encrypts the logs.
        between = "" if security is None else pulumi.Output.concat("/", security, "-role/", self.role.name)
        return aws.cloudwatch.LogGroup(
            f"{self._prefix}-{kind}-log-group",
            name=pulumi.Output.concat(prefix, between, "/", kind),
            retention_in_days=lake.log_retention_days,
            kms_key_id=lake.log_key_arn,
            opts=self._child("log_group"),
        )

    def _statements(self) -> list[Statement]:
        args = self._args
        groups = [group.arn for group in self.log_groups.values()]
        statements = [
            statement(
                "ReadTheCode", actions="s3:GetObject", resources=pulumi.Output.concat(args.code.bucket_arn, "/*")
            ),
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
        if args.code.key_arn is not None:
            statements += [
                statement("DecryptTheCode", actions=["kms:Decrypt", "kms:DescribeKey"], resources=args.code.key_arn),
                READ_SECURITY,
            ]
        return statements


@dataclass(frozen=True, kw_only=True)
class DatabaseConnectionArgs:
    """What the caller decides about a connection. It is free; the workers' network interfaces come and go with runs."""

    database: Database
    """Which lets the workers in, and whose secret they open."""

    network: Network
    """The workers stand in its first private subnet."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""


class DatabaseConnection(pulumi.ComponentResource):
    """Glue's way into PostgreSQL: from a private subnet, with the database's own secret, over TLS."""

    CHILDREN = ("security_group", "ingress_rule", "egress_rule", "connection", "grant")

    name: pulumi.Output[str]
    url: pulumi.Output[str]
    """For Spark, without options: that it connects over TLS, and whom it believes, is the job's own code."""

    def __init__(self, name: str, args: DatabaseConnectionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:analytics:DatabaseConnection", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)
        database, network = args.database, args.network
        self._subnet = network.private_subnet_ids.apply(lambda ids: ids[0])
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

    def grant_use(self, role: aws.iam.Role) -> None:
        """Let `role` place workers in the subnet, read the connection and log in to the database."""
        self._args.database.grant_connect(role)
        arn = self._account.arn
        subnet = pulumi.Output.concat(arn("ec2", "subnet/"), self._subnet)
        group = pulumi.Output.concat(arn("ec2", "security-group/"), self._group.id)
        interfaces = arn("ec2", "network-interface/*")
        aws.iam.RolePolicy(
            f"{self._prefix}-use-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(
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
            ),
            opts=self._child("grant"),
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

    def _to(self, what: str, title: str, port: int, **whom: Unpack[Peer]) -> None:
        opts = self._child("egress_rule")
        let_out(f"{self._prefix}-{title}-egress-rule", self._group.id, port, f"To {what}", opts, **whom)
