"""A workflow: a Step Functions state machine whose definition is a file, with logs, traces and an exact role.

Use: args = WorkflowArgs(definition=path.read_text(), substitutions={"queueUrl": jobs.url})
     nightly = Workflow("wiki-dev-nightly", args)
     jobs.grant_send(nightly.role)
     Schedule("wiki-dev-nightly-schedule", ScheduleArgs(expression="cron(0 2 * * ? *)", target=nightly.target))
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.messaging.definition import Kind, check_definition, check_placeholders, filled
from components.messaging.target import Target
from components.policy import document, statement, trust
from components.refusal import Refusal

# The failures that Step Functions counts, and what each means to whoever is woken.
_FAILURES = {
    "failed": ("ExecutionsFailed", "failed: the event 'Batch Finished' or the execution's history says where."),
    "timed-out": ("ExecutionsTimedOut", "took longer than its definition allows."),
    "throttled": ("ExecutionThrottled", "were slowed down by AWS's limits: start fewer at once, or ask for more."),
}


@dataclass(frozen=True, kw_only=True)
class WorkflowArgs:
    """What the caller decides about a workflow. What its steps may do, callers grant to its `role`."""

    definition: str
    """The text of a definition in the Amazon States Language; what it cannot know stands in it as `${name}`."""

    substitutions: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """The value of each `${name}`."""

    kind: Kind = "STANDARD"
    """STANDARD: runs up to a year, each step once, $0.025 for 1,000 steps. EXPRESS: up to 5 minutes, a step may run
    twice, $1 for a million runs and their memory; has no history but its log."""

    log_retention_days: int = 30
    """Days until a record of the workflow's log is deleted."""

    log_key_arn: pulumi.Input[str] | None = None
    """The KMS key that encrypts the log."""

    log_execution_data: bool = False
    """Write what goes into and out of each step to the log too. Off, because that may hold secrets, such as the tokens
    by which workers answer, and people's data; a STANDARD workflow keeps both in its history for 90 days anyway."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if self.kind not in ("STANDARD", "EXPRESS"):
            raise Refusal("kind", self.kind, "is not allowed; use STANDARD or EXPRESS")
        check_definition(self.definition, self.kind)
        check_placeholders(self.definition, list(self.substitutions))
        if len(self.definition.encode()) > 1_048_576:
            raise Refusal("definition", f"{len(self.definition)} characters", "is too long; AWS allows 1 MB")


class Workflow(pulumi.ComponentResource):
    """A state machine, its log and its role."""

    CHILDREN = ("log_group", "role", "policy", "state_machine", "grant", "alarm")

    arn: pulumi.Output[str]
    role: aws.iam.Role
    """Whom callers grant what the steps do."""
    log_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: WorkflowArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:messaging:Workflow", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        account = Account.of(self)
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-log-group",
            name=workflow_log_group_name(name),
            retention_in_days=args.log_retention_days,
            kms_key_id=args.log_key_arn,
            opts=self._child("log_group"),
        )
        self.role = aws.iam.Role(
            f"{name}-role",
            description=f"What the steps of {name} may do.",
            assume_role_policy=trust(
                "states.amazonaws.com",
                source_account=account.id,
                source_arn=account.arn("states", f"stateMachine:{name}"),
            ),
            opts=self._child("role"),
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=self.role.id,
            policy=document(*_LOGS_AND_TRACES),
            opts=self._child("policy"),
        )
        machine = aws.sfn.StateMachine(
            f"{name}-state-machine",
            name=name,
            type=args.kind,
            definition=_definition(args),
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

    def grant_start(self, role: aws.iam.Role) -> None:
        """Let `role` start the workflow, and nothing more."""
        self._grant(role, "start", ["states:StartExecution"])

    def grant_answer(self, role: aws.iam.Role) -> None:
        """Let `role`, a worker's, answer the steps that wait for it, and nothing more."""
        self._grant(role, "answer", ["states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"])

    def alarms(self, topics: AlarmTopics, kinds: Collection[str] = tuple(_FAILURES)) -> None:
        """Executions that fail, take too long or are throttled; `kinds` for fewer of them."""
        for kind, (metric, means) in _FAILURES.items():
            if kind not in kinds:
                continue
            raise_alarm(
                f"{self._prefix}-{kind}-alarm",
                means=f"Executions of {self._prefix} {means}",
                metric=Metric(
                    namespace="AWS/States",
                    name=metric,
                    dimensions={"StateMachineArn": self.arn},
                    statistic="Sum",
                ),
                threshold=0,
                period_seconds=300,
                periods=1,
                severity="warning",
                topics=topics,
                opts=self._child("alarm"),
            )

    def _grant(self, role: aws.iam.Role, verb: str, actions: list[str]) -> None:
        aws.iam.RolePolicy(
            f"{self._prefix}-{verb}-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(statement(verb.capitalize(), actions=actions, resources=self.arn)),
            opts=self._child("grant"),
        )


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


def _definition(args: WorkflowArgs) -> pulumi.Output[str]:
    machine = json.loads(args.definition)
    return pulumi.Output.all(**dict(args.substitutions)).apply(
        lambda values: json.dumps(filled(machine, values), ensure_ascii=False)
    )


def workflow_log_group_name(name: str) -> str:
    """The log group of the workflow called `name`. Under this prefix AWS grows no resource policy (10 a region)."""
    return f"/aws/vendedlogs/states/{name}"
