"""Models at Bedrock by name: who may invoke them, with which settings, behind which guardrail; alarms on them.

Use: uses = {"writer": ModelUse(model="claude-sonnet-4-6"), "embedder": ModelUse(model="titan-embed-text-v2")}
     models = ModelAccess("wiki-dev-models", ModelAccessArgs(models=uses), path="/wiki/dev", region="ap-northeast-1",
                          within=["ap-northeast-1", "ap-northeast-3"])
     models.grant_invoke(task_role, "writer")

Somebody must have invoked a model of Anthropic's once in the account, with the permission to subscribe to it in AWS
Marketplace and the form about its use filled in: Bedrock answers with AccessDeniedException until then
(https://docs.aws.amazon.com/bedrock/latest/userguide/model-access.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..component import Component
from ..errors import ArgumentError
from ..policy import Condition, Statement, statement
from ..widgets import Widget
from . import guardrail as guardrails
from .guardrail import make_guardrail, versioned_arn
from .model import Route
from .model_use import ModelAccessArgs, ModelUse
from .models import legacy

INVOKE, STREAM = "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"
"""Converse and ConverseStream are permitted by the same two."""


COUNTED: Final = ("Invocations", "InvocationClientErrors", "InvocationServerErrors", "InvocationThrottles")


class ModelAccess(Component):
    """Models that only who is granted one may invoke, each by the ways that stay where data may be."""

    CHILDREN = ("parameter", *guardrails.CHILDREN, "grant", "alarm")

    path: str
    """Under which the settings of all of them are."""
    model_ids: Mapping[str, str]
    """Use → what a program names in a request."""
    guardrail_id: pulumi.Output[str] | None
    guardrail_version: pulumi.Output[str] | None

    def __init__(
        self,
        name: str,
        args: ModelAccessArgs,
        *,
        path: str,
        region: str,
        within: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param path: Under which the stack's parameters are, such as `/wiki/dev`.
        :param region: Where programs ask: that of the provider.
        :param within: The regions in which prompts may be answered. A model of which a profile leads elsewhere is
            refused: Bedrock chooses among a profile's regions, and nobody can tell it not to.
        """
        super().__init__(name, args, opts)
        found = list(args.mistakes_in(region, within))
        if found:
            raise ArgumentError.of(found)
        self._args, self._region, self._account = args, region, Account.of(self)
        self._routes = {use: self._route(one, within) for use, one in sorted(args.models.items())}
        self._warn()
        self._guardrail = None
        self.guardrail_id = self.guardrail_version = None
        if args.guardrail is not None and any(one.known.kind == "chat" for one in args.models.values()):
            self._guardrail = make_guardrail(name, args.guardrail, self._child)
            self.guardrail_id, self.guardrail_version = self._guardrail[0].guardrail_id, self._guardrail[1].version
        self.path = f"{path}/models"
        self.model_ids = {use: route.model_id for use, route in self._routes.items()}
        for use in self._routes:
            self._parameters(use)
        self.register_outputs({"modelIds": dict(self.model_ids)})

    def grant_invoke(self, role: aws.iam.Role, *uses: str) -> aws.iam.RolePolicy:
        """Let `role` invoke the models of these uses, behind the guardrail where it is required, and nothing more."""
        self._check(uses)
        statements = [one for use in uses for one in self._invocation(use)]
        if self._guardrail is not None and any(self._is_chat(use) for use in uses):
            arn = self._guardrail[0].guardrail_arn
            statements.append(statement("ApplyTheGuardrail", actions="bedrock:ApplyGuardrail", resources=arn))
        return self._allow(role, "invoke", *statements)

    def grant_read(self, role: aws.iam.Role, *uses: str) -> aws.iam.RolePolicy:
        """Let `role` read the settings of these uses, and nothing more."""
        self._check(uses)
        here = [self._account.arn("ssm", f"parameter{self.path}/{use}") for use in uses]
        return self._allow(
            role,
            "read",
            statement(
                "ReadHowToAsk",
                actions=["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
                resources=[arn for one in here for arn in (one, pulumi.Output.concat(one, "/*"))],
            ),
        )

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Tell somebody when a model refuses, fails, is slow, or is asked more than is meant."""
        return [alarm for use in self._routes for alarm in self._alarms(use, topics)]

    @property
    def widgets(self) -> list[Widget]:
        """How much each model is asked, refuses and fails, how long it takes, and what it reads and writes."""
        shown = [(name, "Sum") for name in COUNTED] + [("InvocationLatency", "p95"), ("InputTokenCount", "Sum")]
        by_use = {one: {use: self._metric(use, *one) for use in self._routes} for one in shown}
        chats = {use: self._metric(use, "OutputTokenCount") for use in self._routes if self._is_chat(use)}
        return [self._graph("Models (Bedrock)", lines) for lines in (*by_use.values(), chats) if lines]

    def _metric(self, use: str, name: str, statistic: str = "Sum") -> Metric:
        # Of what is named in the request: the model or its profile.
        dimensions = {"ModelId": self._routes[use].model_id}
        return Metric(namespace="AWS/Bedrock", name=name, dimensions=dimensions, statistic=statistic)

    # --- What it is made of ------------------------------------------------------------------------------------------

    def _route(self, use: ModelUse, within: Sequence[str]) -> Route:
        route = use.known.route(self._region, list(within))
        assert route is not None, "mistakes_in has looked"
        return route

    def _warn(self) -> None:
        for use, one in sorted(self._args.models.items()):
            if (why := legacy(one.model)) is not None:
                pulumi.log.warn(f"{self._prefix}: models.{use}.model: {one.model} {why}", self)

    def _check(self, uses: Sequence[str]) -> None:
        if not uses:
            raise ArgumentError("uses", uses, f"names no model; there are: {', '.join(self._routes)}")
        for use in uses:
            if use not in self._routes:
                raise ArgumentError("uses", use, f"is no use of a model here; there are: {', '.join(self._routes)}")

    def _is_chat(self, use: str) -> bool:
        return self._args.models[use].known.kind == "chat"

    def _parameters(self, use: str) -> None:
        told: dict[str, pulumi.Input[str]] = {
            "id": self._routes[use].model_id,
            **{name: str(value) for name, value in self._args.models[use].settings.items()},
        }
        if self.guardrail_id is not None and self.guardrail_version is not None and self._is_chat(use):
            told |= {"guardrail-id": self.guardrail_id, "guardrail-version": self.guardrail_version}
        for what, value in sorted(told.items()):
            aws.ssm.Parameter(
                f"{self._prefix}-{use}-{what}-parameter",
                name=f"{self.path}/{use}/{what}",
                type="String",
                # As `value` the SDK would hide it in every preview, and wherever else the same text stands.
                insecure_value=value,
                opts=self._child("parameter"),
            )

    def _invocation(self, use: str) -> Iterator[Statement]:
        """A model that is reached itself, or a profile and, by way of it alone, the model in each of its regions
        (https://docs.aws.amazon.com/bedrock/latest/userguide/geographic-cross-region-inference.html)."""
        route, args = self._routes[use], self._args.models[use]
        actions = [INVOKE, STREAM] if args.streaming else [INVOKE]
        word = "".join(part.capitalize() for part in use.split("-"))
        models = [
            self._account.public_arn("bedrock", f"foundation-model/{route.foundation_model}", region)
            for region in route.destinations
        ]
        guarded = self._behind_guardrail(use)
        if route.profile is None:
            yield statement(f"Invoke{word}", actions=actions, resources=models, condition=guarded or None)
            return
        profile = self._account.arn("bedrock", f"inference-profile/{route.profile}", self._region)
        yield statement(f"Invoke{word}ByItsProfile", actions=actions, resources=profile, condition=guarded or None)
        by_it = {**guarded.get("StringEquals", {}), "bedrock:InferenceProfileArn": profile}
        yield statement(
            f"Invoke{word}WhereItsProfileLeads", actions=actions, resources=models, condition={"StringEquals": by_it}
        )

    def _behind_guardrail(self, use: str) -> Condition:
        required = self._args.guardrail is not None and self._args.guardrail.required
        if self._guardrail is None or not required or not self._is_chat(use):
            return {}
        return {"StringEquals": {"bedrock:GuardrailIdentifier": versioned_arn(*self._guardrail)}}

    # --- What is watched ---------------------------------------------------------------------------------------------

    def _alarms(self, use: str, topics: AlarmTopics) -> Iterator[aws.cloudwatch.MetricAlarm]:
        args = self._args.models[use]
        metric = partial(self._metric, use)
        yield self._alarm(
            f"{use}-throttles",
            description=f"Bedrock refuses requests of {use} for more than the quota allows, for 5 minutes. Ask less, "
            "or ask AWS for more (Service Quotas, Amazon Bedrock).",
            metric=metric("InvocationThrottles"),
            threshold=0,
            severity="warning",
            topics=topics,
        )
        yield self._alarm(
            f"{use}-errors",
            description=f"more than 5 % of the requests of {use} fail for 5 minutes. Look at the errors of who asks, "
            "and at whether AWS has ended the model.",
            # A few failures among few requests say little: at least five in a minute.
            expression=(
                "IF(FILL(refused, 0) + FILL(failed, 0) >= 5, 100 * (FILL(refused, 0) + FILL(failed, 0)) / asked, 0)",
                {
                    "asked": metric("Invocations"),
                    "failed": metric("InvocationServerErrors"),
                    "refused": metric("InvocationClientErrors"),
                },
            ),
            threshold=5,
            severity="critical",
            topics=topics,
        )
        yield self._alarm(
            f"{use}-latency",
            description=f"one in twenty requests of {use} takes longer than {args.alarm_latency_seconds} seconds, for "
            "15 minutes.",
            metric=metric("InvocationLatency", "p95"),
            threshold=args.alarm_latency_seconds * 1000,
            periods=15,
            severity="warning",
            topics=topics,
        )
        both = (
            "FILL(read, 0) + FILL(written, 0)",
            {"read": metric("InputTokenCount"), "written": metric("OutputTokenCount")},
        )
        only_read = ("FILL(read, 0)", {"read": metric("InputTokenCount")})
        yield self._alarm(
            f"{use}-tokens",
            description=f"{use} read and wrote more than {args.alarm_tokens_per_hour:,} tokens within an hour, and "
            "each costs. Look at who asks, and at what.",
            expression=both if self._is_chat(use) else only_read,
            threshold=args.alarm_tokens_per_hour,
            period_seconds=3600,
            periods=1,
            severity="warning",
            topics=topics,
        )
