"""A workflow: a Step Functions state machine whose definition is a file, with logs, traces and an exact role.

Use: values = {"queueUrl": jobs.url}
     nightly = Workflow("wiki-dev-nightly", WorkflowArgs(), definition=path.read_text(), substitutions=values)
     jobs.grant_send(nightly.role)
     Schedule("wiki-dev-nightly-schedule", ScheduleArgs(expression="cron(0 2 * * ? *)"), target=nightly.target)
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError
from ..identity.key import AnyKey
from ..log_group import make_log_group
from ..policy import statement
from ..service_role import service_role
from ..values import LogRetentionDays
from ..widgets import Widget
from .definition import Kind, definition_mistakes, filled, placeholder_mistakes
from .target import Target

# The failures that Step Functions counts, and what each means to whoever is woken.
_FAILURES = {
    "failed": ("ExecutionsFailed", "failed. The event 'Batch Finished' or the execution's history says where."),
    "timed-out": ("ExecutionsTimedOut", "took longer than its definition allows."),
    "throttled": ("ExecutionThrottled", "were throttled by AWS. Start fewer at once, or ask for more."),
}


class WorkflowArgs(ComponentArgs):
    """A Step Functions workflow. What its steps may do, callers grant to its `role`."""

    kind: Kind = "STANDARD"
    """STANDARD: runs up to a year, each step once, $0.025 for 1,000 steps. EXPRESS: up to 5 minutes, a step may run
    twice, $1 for a million runs and their memory; has no history but its log."""

    log_retention_days: LogRetentionDays = 30
    """How long a record of the workflow's log is kept. In YAML left out: the stack's."""

    log_execution_data: bool = False
    """Write what goes into and out of each step to the log too. Off, because that may hold secrets, such as the tokens
    by which workers answer, and people's data; a STANDARD workflow keeps both in its history for 90 days anyway."""


class Workflow(Component):
    """A state machine, its log and its role."""

    CHILDREN = ("log_group", "role", "policy", "state_machine", "grant", "alarm")

    arn: pulumi.Output[str]
    role: aws.iam.Role
    """Whom callers grant what the steps do."""
    log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: WorkflowArgs,
        *,
        definition: str,
        substitutions: Mapping[str, pulumi.Input[str]] | None = None,
        log_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param definition: The text of a definition in the Amazon States Language; what it cannot know stands in it as
            `${name}`.
        :param substitutions: The value of each `${name}`.
        :param log_key: What encrypts the log.
        """
        super().__init__(name, args, opts)
        values = substitutions or {}
        wrong = [mistake.at("definition") for mistake in definition_mistakes(definition, args.kind)]
        wrong += placeholder_mistakes(definition, list(values))
        if wrong:
            raise ArgumentError.of(wrong)
        account = Account.of(self)
        log_group = make_log_group(
            f"{name}-log-group",
            workflow_log_group_name(name),
            args.log_retention_days,
            log_key,
            self._child("log_group"),
        )
        self.role, policy = service_role(
            name,
            account,
            self._child,
            service="states.amazonaws.com",
            source_arn=account.arn("states", f"stateMachine:{name}"),
            description=f"What the steps of {name} may do.",
            statements=_LOGS_AND_TRACES,
        )
        machine = aws.sfn.StateMachine(
            f"{name}-state-machine",
            name=name,
            type=args.kind,
            definition=_filled(definition, values),
            role_arn=self.role.arn,
            logging_configuration=aws.sfn.StateMachineLoggingConfigurationArgs(
                level="ALL",
                include_execution_data=args.log_execution_data,
                log_destination=pulumi.Output.concat(log_group.arn, ":*"),
            ),
            tracing_configuration=aws.sfn.StateMachineTracingConfigurationArgs(enabled=True),
            tags={"Name": f"{name}-state-machine"},
            # AWS tries the delivery of logs when the state machine is made.
            opts=self._child("state_machine", depends_on=[policy]),
        )
        self.arn, self.log_group_name = machine.arn, log_group.name
        self.register_outputs({"arn": self.arn})

    @property
    def target(self) -> Target:
        """To be started by a schedule or an event route."""
        return Target(arn=self.arn, action="states:StartExecution")

    def grant_start(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` start the workflow, and nothing more."""
        return self._allow(role, "start", statement("Start", actions=["states:StartExecution"], resources=self.arn))

    def grant_answer(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role`, a worker's, answer the steps that wait for it, and nothing more."""
        actions = ["states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"]
        return self._allow(role, "answer", statement("Answer", actions=actions, resources=self.arn))

    def alarms(
        self, topics: AlarmTopics, kinds: Collection[str] = tuple(_FAILURES)
    ) -> list[aws.cloudwatch.MetricAlarm]:
        """Executions that fail, take too long or are throttled; `kinds` for fewer of them."""
        return [
            self._alarm(
                kind,
                description=f"executions {means}",
                metric=self._metric(metric, "Sum"),
                threshold=0,
                period_seconds=300,
                periods=1,
                severity="warning",
                topics=topics,
            )
            for kind, (metric, means) in _FAILURES.items()
            if kind in kinds
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How its executions end, and how long they take."""
        section = "Workflows (Step Functions)"
        counted = ("ExecutionsSucceeded", *(metric for metric, _ in _FAILURES.values()))
        return [
            *(self._graph(section, self._metric(name, "Sum")) for name in counted),
            self._graph(section, self._metric("ExecutionTime", "p95")),
        ]

    def _metric(self, name: str, statistic: str) -> Metric:
        return Metric(namespace="AWS/States", name=name, dimensions={"StateMachineArn": self.arn}, statistic=statistic)


_LOGS_AND_TRACES = (
    # Log delivery and X-Ray know no resources: AWS asks for "*" here.
    statement(
        "DeliverLogs",
        actions=[
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ],
        resources="*",
    ),
    statement(
        "SendTraces",
        actions=[
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ],
        resources="*",
    ),
)


def _filled(definition: str, values: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[str]:
    machine = json.loads(definition)
    return pulumi.Output.all(**values).apply(lambda known: json.dumps(filled(machine, known), ensure_ascii=False))


def workflow_log_group_name(name: str) -> str:
    """The log group of the workflow called `name`. Under this prefix AWS grows no resource policy (10 a region)."""
    return f"/aws/vendedlogs/states/{name}"
