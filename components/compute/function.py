"""A function: code on Lambda behind the alias `live`, with its own log, role and dead-letter queue.

Use: args = FunctionArgs(handler="api.function.handler", memory_mib=512, timeout_seconds=30)
     api = Function("wiki-dev-api", args, package=package)
     api.allow_invocation("gateway", principal="apigateway.amazonaws.com", source_arn=gateway.execution_arn)
     worker.consume(jobs)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmOptions, AlarmTopics, Metric
from ..component import Component
from ..data.table import Table
from ..errors import ArgumentError
from ..identity.key import AnyKey
from ..log_group import make_log_group
from ..messaging.dead_letters import any_message, make_dead_letters, messages
from ..messaging.queue import Queue
from ..messaging.target import Target
from ..network.network import Network
from ..policy import statement
from ..widgets import Widget
from . import execution_role
from . import traffic_shifting as shifting
from .access import Egress
from .event_sources import QueueSource, StreamSource, consume_queue, subscribe_to_stream
from .function_alias import make_alias
from .function_args import FunctionArgs, mistaken_names
from .package import Package
from .traffic_shifting import TrafficShifting

SPILLED: Final = "ProvisionedConcurrencySpilloverInvocations"


class Function(Component):
    """A function whose published versions are called by one alias, with the fewest permissions that it needs."""

    CHILDREN = (
        *("log_group", "dead_letters", "dead_letters_policy", "security_group", "egress_rule", "layer", "function"),
        *("alias", "provisioned_concurrency", "retries", "permission", "event_source", "grant", "alarm"),
        *execution_role.CHILDREN,
        *shifting.CHILDREN,
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
    traffic_shifting: TrafficShifting | None
    """What a deployment needs to shift calls; None where they move all at once."""

    def __init__(
        self,
        name: str,
        args: FunctionArgs,
        *,
        package: Package,
        network: Network | None = None,
        internet: bool = False,
        environment: Mapping[str, pulumi.Input[str]] | None = None,
        secrets: Mapping[str, pulumi.Input[str]] | None = None,
        key: AnyKey | None = None,
        logs_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param package: What it runs, on which runtime and architecture.
        :param network: Run in its private subnets. Without one outside, from where the internet and AWS are reached,
            and nothing private is.
        :param internet: With a network: calls to any host on port 443; the network needs NAT.
        :param environment: Further variables, whose values other resources give; nothing secret.
        :param secrets: Secrets that the code may read when it starts: the variable that names one, and its ARN.
        :param key: What encrypts the environment and the secrets. Without one the keys that AWS keeps (free).
        :param logs_key: What encrypts the log group; its policy must admit `/aws/lambda/{name}`.
        """
        super().__init__(name, args, opts)
        self._args, self._package, self._key = args, package, key
        self._account = Account.of(self)
        self._subscribed = False
        told = {**(environment or {}), **args.environment, **(secrets or {})}
        if wrong := list(mistaken_names(told)):
            raise ArgumentError.of(wrong)
        if internet and network is None:
            raise ArgumentError("internet", True, "is for a function in a network; outside of one it is always reached")
        package.check_handler(args.handler)

        self.log_group = make_log_group(
            f"{name}-log-group", f"/aws/lambda/{name}", args.log_retention_days, logs_key, self._child("log_group")
        )
        self._dead_letters = make_dead_letters(name, self._child)
        self.role, policy = execution_role.make_execution_role(
            name,
            log_group=self.log_group,
            dead_letters=self._dead_letters,
            secrets=secrets or {},
            key=key,
            has_environment=bool(told),
            tracing=args.tracing,
            in_network=network is not None,
            account=self._account,
            child=self._child,
        )
        self._egress = self._reach(network, internet=internet) if network is not None else None
        self.security_group_id = self._egress.group_id if self._egress is not None else None
        self._function = self._make_function(policy, told, network)
        self._alias = make_alias(name, args, self._function, self._child)

        self.name, self.arn, self.version = self._function.name, self._function.arn, self._function.version
        self.alias_arn, self.alias_name = self._alias.arn, self._alias.name
        self.invoke_arn = self._alias.invoke_arn
        self.dead_letters_url = self._dead_letters.url
        self.traffic_shifting = None
        if args.shift is not None:
            self.traffic_shifting = shifting.shift_traffic(
                name, args.shift, function=self._function, alias=self._alias, account=self._account, child=self._child
            )
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

    def grant_invoke(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` call the alias, and nothing more."""
        return self._allow(
            role, "invoke", statement("Invoke", actions="lambda:InvokeFunction", resources=self.alias_arn)
        )

    def consume(self, queue: Queue, source: QueueSource | None = None) -> aws.lambda_.EventSourceMapping:
        """Work through a queue. The code answers which messages of a batch failed; only those come again."""
        source = source or QueueSource()
        if wrong := list(source.mistakes_with(queue.args, self._args.timeout_seconds)):
            raise ArgumentError.of(wrong)
        name = f"{self._prefix}-event-source"
        return consume_queue(name, source, queue=queue, alias=self._alias, role=self.role, child=self._child)

    def subscribe(self, table: Table, what: str, source: StreamSource | None = None) -> aws.lambda_.EventSourceMapping:
        """Be called with the changes of a table, in their order. `what` names the table among those subscribed to."""
        self._subscribed = True
        return subscribe_to_stream(
            f"{self._prefix}-{what}-changes",
            source or StreamSource(),
            table=table,
            alias=self._alias,
            role=self.role,
            failed_arn=self._dead_letters.arn,
            child=self._child,
        )

    def allow_to(self, security_group_id: pulumi.Input[str], port: pulumi.Input[int], what: str) -> None:
        """Let the code call one port of another group (which must let it in), and nothing more."""
        if self._egress is None:
            reason = f"is needed to reach the {what}, which is private; give the function one"
            raise ArgumentError("network", None, reason)
        self._egress.allow(what, port, f"To the {what}", group=security_group_id)

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Calls that fail, are throttled, take nearly too long, wait for a start, or were lost."""
        args = self._args

        def warning(metric: Metric, threshold: float, periods: int) -> AlarmOptions:
            return AlarmOptions(
                metric=metric,
                threshold=threshold,
                period_seconds=300,
                periods=periods,
                severity="warning",
                topics=topics,
            )

        alarms = [
            self._alarm(
                "errors",
                description="more than 1 % of the calls fail for 5 minutes. Look at its log.",
                expression=(
                    "100 * failed / calls",
                    {"failed": self._metric("Errors", "Sum"), "calls": self._metric("Invocations", "Sum")},
                ),
                threshold=1,
                period_seconds=300,
                periods=1,
                severity="critical",
                topics=topics,
            ),
            self._alarm(
                "throttles",
                description="calls are throttled: as many run as may. Look at its reserved concurrency and at the "
                "account's limit.",
                **warning(self._metric("Throttles", "Sum"), 0, 1),
            ),
            self._alarm(
                "duration",
                description=f"a call took more than 80 % of its {args.timeout_seconds} seconds, three times in a row. "
                "It will be ended before it is done; look at what it waits for.",
                **warning(self._metric("Duration", "Maximum"), 0.8 * args.timeout_seconds * 1000, 3),
            ),
            self._alarm(
                "dead-letters",
                description="calls that nobody waited for failed each time. Read them in the dead-letter queue and in "
                "the function's log, fix the cause, then call again.",
                **any_message(self._dead_letters, topics),
            ),
        ]
        if args.provisioned_concurrency:
            description = (
                f"more calls at a time than the {args.provisioned_concurrency} copies that are kept started. The "
                "others wait for a start."
            )
            spilled = self._metric(SPILLED, "Sum")
            alarms.append(self._alarm("spill-over", description=description, **warning(spilled, 0, 3)))
        if self._subscribed:
            description = (
                "hears of changes 15 minutes late: one that fails holds up those behind it. Look at its log before a "
                "day is over, after which DynamoDB forgets them."
            )
            late = self._metric("IteratorAge", "Maximum")
            alarms.append(self._alarm("late", description=description, **warning(late, 15 * 60 * 1000, 1)))
        return alarms

    @property
    def widgets(self) -> list[Widget]:
        """How often it is called, fails, is throttled, how long it takes, how many run, and what was lost."""
        shown = [
            ("Invocations", "Sum"),
            ("Errors", "Sum"),
            ("Throttles", "Sum"),
            ("Duration", "p95"),
            ("ConcurrentExecutions", "Maximum"),
            *([(SPILLED, "Sum")] if self._args.provisioned_concurrency else []),
            *([("IteratorAge", "Maximum")] if self._subscribed else []),
        ]
        section = "Functions (Lambda)"
        return [
            *(self._graph(section, self._metric(*one)) for one in shown),
            self._graph(section, {"dead letters": messages(self._dead_letters)}),
        ]

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

    def _make_function(
        self, policy: aws.iam.RolePolicy, told: Mapping[str, pulumi.Input[str]], network: Network | None
    ) -> aws.lambda_.Function:
        args, name, package = self._args, self._prefix, self._package
        return aws.lambda_.Function(
            f"{name}-function",
            name=name,
            description=args.description or None,
            runtime=package.runtime,
            architectures=[package.architecture],
            code=pulumi.FileArchive(str(package.code)),
            layers=self._layers(),
            handler=args.handler,
            memory_size=args.memory_mib,
            timeout=args.timeout_seconds,
            role=self.role.arn,
            environment=aws.lambda_.FunctionEnvironmentArgs(variables=dict(sorted(told.items()))) if told else None,
            kms_key_arn=self._key.arn if self._key is not None and told else None,
            reserved_concurrent_executions=args.reserved_concurrency,
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active" if args.tracing else "PassThrough"),
            dead_letter_config=aws.lambda_.FunctionDeadLetterConfigArgs(target_arn=self._dead_letters.arn),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="JSON", log_group=self.log_group.name),
            vpc_config=aws.lambda_.FunctionVpcConfigArgs(
                subnet_ids=network.private_subnet_ids, security_group_ids=[self.security_group_id]
            )
            if network is not None and self.security_group_id is not None
            else None,
            # Its network interfaces stay for up to 45 minutes, and would keep the security group from being deleted.
            replace_security_groups_on_destroy=True if network is not None else None,
            publish=True,
            tags={"Name": f"{name}-function"},
            # Lambda tries the role when the function is made.
            opts=self._child("function", depends_on=[policy]),
        )

    def _layers(self) -> list[pulumi.Output[str]] | None:
        package = self._package
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

    def _reach(self, network: Network, *, internet: bool) -> Egress:
        """A security group that reaches AWS by the network's endpoints, and the internet where it may."""
        egress = Egress.of(self._prefix, f"Function {self._prefix}", network, self._child)
        for what, prefix_list in (("S3", network.s3_prefix_list_id), ("DynamoDB", network.dynamodb_prefix_list_id)):
            if prefix_list is not None:
                egress.allow(what.lower(), 443, f"To {what}", prefix_list=prefix_list)
        if internet:
            egress.allow_internet()
        return egress
