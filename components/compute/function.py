"""A function: code on Lambda behind the alias `live`, with its own log, role and dead-letter queue.

Use: args = FunctionArgs(package=package, handler="api.function.handler", memory_mib=512, timeout_seconds=30)
     api = Function("wiki-dev-api", args)
     api.allow_invocation("gateway", principal="apigateway.amazonaws.com", source_arn=gateway.execution_arn)
     worker.consume(jobs)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Unpack

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.compute import gradual as gradual_
from components.compute.changes import Following, follow_changes
from components.compute.gradual import Gradual, Shift
from components.compute.package import Package
from components.data.table import Table
from components.identity.key import DECRYPT_ACTIONS
from components.messaging.dead_letters import alarm_on_dead_letters, make_dead_letters
from components.messaging.queue import Queue, QueueArgs
from components.messaging.target import Target
from components.network.flow_logs import RetentionDays
from components.network.network import Network
from components.policy import Statement, document, statement
from components.refusal import Refusal
from components.security_rules import Peer, let_out

# What Lambda sets itself, and refuses to have set.
_RESERVED = re.compile(
    r"_HANDLER|_X_AMZN_TRACE_ID|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR"
    r"|AWS_(DEFAULT_REGION|REGION|EXECUTION_ENV|LAMBDA_.*|ACCESS_KEY(_ID)?|SECRET_ACCESS_KEY|SESSION_TOKEN)"
)
_MOST_ENVIRONMENT_BYTES = 4096
_VISIBILITY_FACTOR = 6


@dataclass(frozen=True, kw_only=True)
class FunctionArgs:
    """What the caller decides about a function. $0.20 for a million calls, and $13.33 on arm64 ($16.67 on x86_64) for a
    million seconds with 1 GiB; nothing while nobody calls."""

    package: Package
    """What it runs, on which runtime and architecture."""

    handler: str
    """What Lambda calls, as module.name; it must be in the package."""

    description: str = ""
    """What the function is for; shown beside it in the console."""

    memory_mib: int = 512
    """Memory, 128 to 10240 MiB. The processor grows with it: a whole one at 1769."""

    timeout_seconds: int = 30
    """Seconds after which a call is ended, 1 to 900. API Gateway waits for 30 at most."""

    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """What the code is told; nothing secret: whoever may look at the function sees it."""

    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Secrets that the code may read when it starts: the variable that names one, and its ARN."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key that encrypts the environment and the secrets. Without one, the keys that AWS keeps (free)."""

    alias: str = "live"
    """The name by which the function is called. It points to one published version, or to two while a deployment
    shifts calls from one to the other; $LATEST is what somebody has uploaded last and never what is called."""

    provisioned_concurrency: int = 0
    """Copies that are kept started, so that the first calls need not wait. About $11 a month for each GiB of each."""

    reserved_concurrency: int | None = None
    """The most calls at a time, which no other function of the account can take away. None: as many as there are."""

    tracing: bool = False
    """Send traces to X-Ray, $5 for a million."""

    network: Network | None = None
    """Run in the private subnets of this network. None: outside, from where the internet and AWS are reached, and
    nothing private is."""

    internet: bool = False
    """With a network: calls to any host on port 443; the network needs NAT."""

    shift: Shift | None = None
    """How calls move to a new version. None: all at once, when the version is published. Otherwise CodeDeploy moves
    them, a share first, and back when a call fails; an update of the stack then only publishes the version."""

    retries: int = 2
    """How often a call that nobody waits for is tried again, 0 to 2, before it goes to the dead-letter queue."""

    max_age_seconds: int = 3600
    """How long such a call may wait for its turn, 60 to 21600."""

    log_retention_days: RetentionDays = 30
    """Days until a record in the log is deleted."""

    logs_key_arn: pulumi.Input[str] | None = None
    """The KMS key of the log group; its policy must admit `/aws/lambda/{name}`."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        self.package.check_handler(self.handler)
        _within("memory_mib", self.memory_mib, 128, 10240, "MiB")
        _within("timeout_seconds", self.timeout_seconds, 1, 900, "seconds")
        _within("retries", self.retries, 0, 2, "times")
        _within("max_age_seconds", self.max_age_seconds, 60, 21600, "seconds")
        self._check_alias()
        self._check_environment()
        if self.internet and self.network is None:
            raise Refusal("internet", True, "is said of a function in a network; outside of one it is always reached")

    def _check_alias(self) -> None:
        if self.alias == "$LATEST":
            raise Refusal(
                "alias",
                self.alias,
                "changes with every upload: concurrency can only be provisioned for, and callers only be sent to, a "
                "published version; use 'live'",
            )
        if not re.fullmatch(r"(?!\d+$)[A-Za-z0-9_-]{1,128}", self.alias):
            raise Refusal("alias", self.alias, "is not a name of an alias; use letters, digits, - and _, not a number")
        if self.provisioned_concurrency < 0:
            raise Refusal("provisioned_concurrency", self.provisioned_concurrency, "is not allowed; use 0 or more")
        if self.reserved_concurrency is not None and self.reserved_concurrency < 1:
            raise Refusal("reserved_concurrency", self.reserved_concurrency, "would refuse every call; use 1 or more")
        if self.reserved_concurrency is not None and self.provisioned_concurrency > self.reserved_concurrency:
            raise Refusal(
                "provisioned_concurrency",
                self.provisioned_concurrency,
                f"is more than reserved_concurrency, {self.reserved_concurrency}; lower it, or raise the other",
            )

    def _check_environment(self) -> None:
        for name in sorted([*self.environment, *self.secrets]):
            if _RESERVED.fullmatch(name):
                raise Refusal("environment", name, "is set by Lambda itself; choose another name")
            if not re.fullmatch(r"[A-Za-z]\w+", name):
                raise Refusal("environment", name, "is not allowed; use letters, digits and _, beginning with a letter")
        known = sum(len(name) + len(value) for name, value in self.environment.items() if isinstance(value, str))
        if known > _MOST_ENVIRONMENT_BYTES:
            raise Refusal(
                "environment",
                f"{known} characters",
                f"are too many; Lambda takes {_MOST_ENVIRONMENT_BYTES}: keep the larger ones as SSM parameters",
            )


class Function(pulumi.ComponentResource):
    """A function whose published versions are called by one alias, with the fewest permissions that it needs."""

    CHILDREN = (
        "log_group",
        "dead_letters",
        "dead_letters_policy",
        "role",
        "policy",
        "security_group",
        "egress_rule",
        "layer",
        "function",
        "alias",
        "provisioned_concurrency",
        "retries",
        "permission",
        "event_source",
        "grant",
        "alarm",
        *gradual_.CHILDREN,
    )

    name: pulumi.Output[str]
    """The function's name in Lambda."""
    arn: pulumi.Output[str]
    """Of the function itself; callers use the alias."""
    alias_arn: pulumi.Output[str]
    alias_name: pulumi.Output[str]
    invoke_arn: pulumi.Output[str]
    """By which API Gateway calls the alias."""
    version: pulumi.Output[str]
    """What the last deployment published."""
    role: aws.iam.Role
    """What the code may do: other components grant to it."""
    log_group: aws.cloudwatch.LogGroup
    dead_letters_url: pulumi.Output[str]
    """Where calls wait that nobody waited for and that failed each time."""
    security_group_id: pulumi.Output[str] | None
    """None outside of a network."""
    gradual: Gradual | None
    """What a deployment needs to shift calls; None where they move all at once."""

    def __init__(self, name: str, args: FunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:compute:Function", name, None, opts)
        self._prefix, self._args = name, args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)
        self._follows = False

        self.log_group = self._log_group()
        self._dead_letters = make_dead_letters(name, self._child)
        self.role, policy = self._role()
        self.security_group_id = self._security_group()
        self._function = self._make_function(policy)
        self._alias = self._make_alias()

        self.name, self.arn, self.version = self._function.name, self._function.arn, self._function.version
        self.alias_arn, self.alias_name = self._alias.arn, self._alias.name
        self.invoke_arn = self._alias.invoke_arn
        self.dead_letters_url = self._dead_letters.url
        self.gradual = self._shift()
        self.register_outputs({"name": self.name, "aliasArn": self.alias_arn})

    @property
    def target(self) -> Target:
        """To be started by a schedule."""
        return Target(arn=self.alias_arn, action="lambda:InvokeFunction")

    def allow_invocation(self, name: str, *, principal: str, source_arn: pulumi.Input[str]) -> aws.lambda_.Permission:
        """Let an AWS service call the alias on behalf of one source of this account, and nothing more."""
        return aws.lambda_.Permission(
            f"{self._prefix}-{name}-permission",
            action="lambda:InvokeFunction",
            function=self._function.name,
            qualifier=self._alias.name,
            principal=principal,
            source_arn=source_arn,
            source_account=self._account.id,
            opts=self._child("permission"),
        )

    def grant_invoke(self, role: aws.iam.Role) -> None:
        """Let `role` call the alias, and nothing more."""
        aws.iam.RolePolicy(
            f"{self._prefix}-invoke-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(statement("Invoke", actions="lambda:InvokeFunction", resources=self.alias_arn)),
            opts=self._child("grant"),
        )

    def consume(self, queue: Queue, *, batch_size: int = 10, window_seconds: int = 0) -> None:
        """Work through a queue. The code answers which messages of a batch failed; only those come again."""
        check_consumption(self._args, queue.args, batch_size=batch_size, window_seconds=window_seconds)
        granted = queue.grant_consume(self.role)
        aws.lambda_.EventSourceMapping(
            f"{self._prefix}-event-source",
            event_source_arn=queue.arn,
            function_name=self._alias.arn,
            batch_size=batch_size,
            maximum_batching_window_in_seconds=window_seconds or None,
            # Without it one bad message brings the whole batch back, and in the end to the dead-letter queue.
            function_response_types=["ReportBatchItemFailures"],
            tags={"Name": f"{self._prefix}-event-source"},
            # Lambda tries to read from the queue when the mapping is made.
            opts=self._child("event_source", depends_on=[granted]),
        )

    def follow(self, table: Table, what: str, following: Following | None = None) -> None:
        """Be called with the changes of a table, in their order. `what` names the table among those it follows."""
        follow_changes(
            f"{self._prefix}-{what}-changes",
            following or Following(),
            table=table,
            alias=self._alias,
            role=self.role,
            failed_arn=self._dead_letters.arn,
            child=self._child,
        )
        self._follows = True

    def allow_to(self, security_group_id: pulumi.Input[str], port: pulumi.Input[int], what: str) -> None:
        """Let the code call one port of another group (which must let it in), and nothing more."""
        if self.security_group_id is None:
            raise Refusal("network", None, f"is needed to reach the {what}, which is private; give the function one")
        self._let_out(self.security_group_id, what, port, f"To the {what}", group=security_group_id)

    def alarms(self, topics: AlarmTopics) -> None:
        """Calls that fail, are refused, take nearly too long, wait for a start, or were lost."""
        raise_alarm(
            f"{self._prefix}-errors-alarm",
            means=f"More than 1 % of the calls of {self._prefix} fail for 5 minutes: look at its log",
            expression=(
                "100 * failed / calls",
                {"failed": self._metric("Errors", "Sum"), "calls": self._metric("Invocations", "Sum")},
            ),
            threshold=1,
            period_seconds=300,
            periods=1,
            severity="critical",
            topics=topics,
            opts=self._child("alarm"),
        )
        raise_alarm(
            f"{self._prefix}-throttles-alarm",
            means=f"Calls of {self._prefix} are refused: as many run as may; look at its reserved concurrency and at "
            "the account's limit",
            metric=self._metric("Throttles", "Sum"),
            threshold=0,
            period_seconds=300,
            periods=1,
            severity="warning",
            topics=topics,
            opts=self._child("alarm"),
        )
        most = self._args.timeout_seconds * 1000
        raise_alarm(
            f"{self._prefix}-duration-alarm",
            means=f"A call of {self._prefix} took more than 80 % of its {self._args.timeout_seconds} seconds, three "
            "times in a row: it will be ended before it is done; look at what it waits for",
            metric=self._metric("Duration", "Maximum"),
            threshold=0.8 * most,
            period_seconds=300,
            periods=3,
            severity="warning",
            topics=topics,
            opts=self._child("alarm"),
        )
        if self._args.provisioned_concurrency:
            raise_alarm(
                f"{self._prefix}-spill-over-alarm",
                means=f"More calls of {self._prefix} at a time than the {self._args.provisioned_concurrency} copies "
                "that are kept started: the others wait for a start",
                metric=self._metric("ProvisionedConcurrencySpilloverInvocations", "Sum"),
                threshold=0,
                period_seconds=300,
                periods=3,
                severity="warning",
                topics=topics,
                opts=self._child("alarm"),
            )
        if self._follows:
            raise_alarm(
                f"{self._prefix}-late-alarm",
                means=f"{self._prefix} hears of changes 15 minutes late: one that fails holds up those behind it; look "
                "at its log before a day is over, after which DynamoDB forgets them",
                metric=self._metric("IteratorAge", "Maximum"),
                threshold=15 * 60 * 1000,
                period_seconds=300,
                periods=1,
                severity="warning",
                topics=topics,
                opts=self._child("alarm"),
            )
        alarm_on_dead_letters(
            self._prefix,
            self._dead_letters,
            f"Calls of {self._prefix} that nobody waited for failed each time: read them in the dead-letter queue and "
            "the function's log, mend, then call again.",
            topics,
            self._child("alarm"),
        )

    def _metric(self, name: str, statistic: str) -> Metric:
        return Metric(
            namespace="AWS/Lambda",
            name=name,
            dimensions={
                "FunctionName": self._function.name,
                "Resource": pulumi.Output.concat(self._function.name, ":", self._alias.name),
            },
            statistic=statistic,
        )

    # --- What it is made of ------------------------------------------------------------------------------------------

    def _log_group(self) -> aws.cloudwatch.LogGroup:
        # Made first: otherwise Lambda would make it, without retention and key.
        return aws.cloudwatch.LogGroup(
            f"{self._prefix}-log-group",
            name=f"/aws/lambda/{self._prefix}",
            retention_in_days=self._args.log_retention_days,
            kms_key_id=self._args.logs_key_arn,
            opts=self._child("log_group"),
        )

    def _make_function(self, policy: aws.iam.RolePolicy) -> aws.lambda_.Function:
        args, name = self._args, self._prefix
        told = dict(sorted({**args.environment, **args.secrets}.items()))
        return aws.lambda_.Function(
            f"{name}-function",
            name=name,
            description=args.description or None,
            runtime=args.package.runtime,
            architectures=[args.package.architecture],
            code=pulumi.FileArchive(str(args.package.code)),
            layers=self._layers(),
            handler=args.handler,
            memory_size=args.memory_mib,
            timeout=args.timeout_seconds,
            role=self.role.arn,
            environment=aws.lambda_.FunctionEnvironmentArgs(variables=told) if told else None,
            kms_key_arn=args.key_arn if told else None,
            reserved_concurrent_executions=args.reserved_concurrency,
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active" if args.tracing else "PassThrough"),
            dead_letter_config=aws.lambda_.FunctionDeadLetterConfigArgs(target_arn=self._dead_letters.arn),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="JSON", log_group=self.log_group.name),
            vpc_config=aws.lambda_.FunctionVpcConfigArgs(
                subnet_ids=args.network.private_subnet_ids, security_group_ids=[self.security_group_id]
            )
            if args.network is not None and self.security_group_id is not None
            else None,
            # Its network interfaces stay for up to 45 minutes, and would keep the security group from being deleted.
            replace_security_groups_on_destroy=True if args.network is not None else None,
            publish=True,
            tags={"Name": f"{name}-function"},
            # Lambda tries the role when the function is made.
            opts=self._child("function", depends_on=[policy]),
        )

    def _layers(self) -> list[pulumi.Output[str]] | None:
        package = self._args.package
        if package.layer is None:
            return None
        layer = aws.lambda_.LayerVersion(
            f"{self._prefix}-layer",
            layer_name=self._prefix,
            description=f"What {self._prefix} imports",
            code=pulumi.FileArchive(str(package.layer)),
            compatible_runtimes=[package.runtime],
            compatible_architectures=[package.architecture],
            opts=self._child("layer"),
        )
        return [layer.arn]

    def _make_alias(self) -> aws.lambda_.Alias:
        args, name = self._args, self._prefix
        alias = aws.lambda_.Alias(
            f"{name}-alias",
            name=args.alias,
            description="What is called",
            function_name=self._function.name,
            function_version=self._function.version,
            # An update would take back what CodeDeploy has moved.
            opts=self._child("alias", ignore_changes=["functionVersion", "routingConfig"] if args.shift else None),
        )
        if args.provisioned_concurrency:
            aws.lambda_.ProvisionedConcurrencyConfig(
                f"{name}-provisioned-concurrency",
                function_name=self._function.name,
                qualifier=alias.name,
                provisioned_concurrent_executions=args.provisioned_concurrency,
                opts=self._child("provisioned_concurrency"),
            )
        aws.lambda_.FunctionEventInvokeConfig(
            f"{name}-retries",
            function_name=self._function.name,
            qualifier=alias.name,
            maximum_retry_attempts=args.retries,
            maximum_event_age_in_seconds=args.max_age_seconds,
            opts=self._child("retries"),
        )
        return alias

    def _shift(self) -> Gradual | None:
        if self._args.shift is None:
            return None
        return gradual_.shift_gradually(
            self._prefix,
            self._args.shift,
            function=self._function,
            alias=self._alias,
            account=self._account,
            child=self._child,
        )

    # --- Connections -------------------------------------------------------------------------------------------------

    def _security_group(self) -> pulumi.Output[str] | None:
        network = self._args.network
        if network is None:
            return None
        group = aws.ec2.SecurityGroup(
            f"{self._prefix}-security-group",
            vpc_id=network.vpc_id,
            description=f"Function {self._prefix}",
            tags={"Name": f"{self._prefix}-security-group"},
            opts=self._child("security_group"),
        )
        self.security_group_id = group.id
        if network.endpoint_security_group_id is not None:
            self.allow_to(network.endpoint_security_group_id, 443, "endpoints")
        for what, prefix_list in (("s3", network.s3_prefix_list_id), ("dynamodb", network.dynamodb_prefix_list_id)):
            if prefix_list is not None:
                why = f"To {'S3' if what == 's3' else 'DynamoDB'}"
                self._let_out(group.id, what, 443, why, prefix_list=prefix_list)
        if self._args.internet:
            self._let_out(group.id, "internet", 443, "To hosts on the internet, by NAT", cidr="0.0.0.0/0")
        return group.id

    def _let_out(
        self, group_id: pulumi.Input[str], what: str, port: pulumi.Input[int], why: str, **whom: Unpack[Peer]
    ) -> None:
        let_out(f"{self._prefix}-{what}-egress-rule", group_id, port, why, self._child("egress_rule"), **whom)

    # --- Permissions -------------------------------------------------------------------------------------------------

    def _role(self) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        role = aws.iam.Role(
            f"{self._prefix}-role",
            description=f"What {self._prefix} may do.",
            # Lambda names no source, and takes a role of the function's own account only.
            assume_role_policy=document(
                {
                    "Sid": "AssumedByTheFunction",
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ),
            opts=self._child("role"),
        )
        policy = aws.iam.RolePolicy(
            f"{self._prefix}-policy",
            role=role.id,
            policy=document(*self._statements()),
            opts=self._child("policy"),
        )
        return role, policy

    def _statements(self) -> Sequence[Statement]:
        args, account = self._args, self._account
        function = account.arn("lambda", f"function:{self._prefix}")
        statements = [
            # Not CreateLogGroup: a group that is deleted must not come back without retention and key.
            statement(
                "WriteTheLog",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=pulumi.Output.concat(self.log_group.arn, ":*"),
            ),
            statement("KeepWhatFailed", actions="sqs:SendMessage", resources=self._dead_letters.arn),
        ]
        if args.secrets:
            statements.append(
                statement(
                    "ReadItsSecrets",
                    actions="secretsmanager:GetSecretValue",
                    resources=[arn for _, arn in sorted(args.secrets.items())],
                )
            )
        if args.secrets and args.key_arn is not None:
            through = pulumi.Output.concat("secretsmanager.", account.region, ".amazonaws.com")
            statements.append(
                statement(
                    "DecryptItsSecrets",
                    actions=DECRYPT_ACTIONS,
                    resources=args.key_arn,
                    condition={"StringEquals": {"kms:ViaService": through}},
                )
            )
        if args.key_arn is not None and (args.environment or args.secrets):
            statements.append(
                statement(
                    "ReadItsEnvironment",
                    actions="kms:Decrypt",
                    resources=args.key_arn,
                    condition={"StringEquals": {"kms:EncryptionContext:aws:lambda:FunctionArn": function}},
                )
            )
        if args.tracing:
            # X-Ray knows no resources: AWS asks for "*" here.
            statements.append(
                statement(
                    "SendTraces",
                    actions=[
                        "xray:GetSamplingRules",
                        "xray:GetSamplingTargets",
                        "xray:PutTelemetryRecords",
                        "xray:PutTraceSegments",
                    ],
                    resources="*",
                )
            )
        if args.network is not None:
            statements += _network_interfaces(function)
        return statements


_INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


def _network_interfaces(function: pulumi.Output[str]) -> list[Statement]:
    """Lambda connects the function to the network with the function's role; the function's code must not do as much."""
    return [
        # Lambda tries these on "*" before it takes a function.
        statement("JoinTheNetwork", actions=_INTERFACES, resources="*"),
        statement(
            "OnlyLambdaItself",
            effect="Deny",
            actions=_INTERFACES,
            resources="*",
            condition={"ArnEquals": {"lambda:SourceFunctionArn": [function]}},
        ),
    ]


def check_consumption(
    function: FunctionArgs, queue: QueueArgs, *, batch_size: int = 10, window_seconds: int = 0
) -> None:
    """Refuse a function and a queue that do not fit each other, or more than Lambda takes from a queue at once."""
    least = _VISIBILITY_FACTOR * function.timeout_seconds
    if queue.hidden_seconds < least:
        raise Refusal(
            "timeout_seconds",
            function.timeout_seconds,
            f"needs a queue that hides a message for {least} seconds or more (six times as long), and this one hides "
            f"it for {queue.hidden_seconds}; raise the queue's consumer timeout or visibility, or lower this",
        )
    most = 10 if queue.fifo else 10_000
    if not 1 <= batch_size <= most:
        raise Refusal("batch_size", batch_size, f"is not allowed; use 1 to {most}")
    if not 0 <= window_seconds <= 300 or (queue.fifo and window_seconds):
        raise Refusal("window_seconds", window_seconds, "is not allowed; use 0 to 300, and 0 for a fifo queue")
    if batch_size > 10 and not window_seconds:
        raise Refusal("window_seconds", 0, f"is too short for batches of {batch_size}; more than 10 need 1 or more")


def _within(field: str, value: int, least: int, most: int, unit: str) -> None:
    if not least <= value <= most:
        raise Refusal(field, value, f"is not allowed; use {least} to {most} {unit}")
