"""The pack as the Pulumi engine sees it: the analyzer protocol of pulumi/proto/pulumi/analyzer.proto.

Spoken here directly and not through the pulumi-policy package (1.21), for three reasons. That package hides which
values are secret, so that a message could show one. There, one unknown value ends a whole policy, and one exception
the whole run. And it converts each resource again for every policy: 100 policies that do nothing take 5.8 s over 2,000
resources; 100 rules take 1.7 s here. Every rule is still a policy of its own to the engine: name, level, description,
severity, remediation steps.
"""

from __future__ import annotations

import sys
import threading
from concurrent import futures
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2_grpc

from guardrails.kit.evaluator import Evaluator, Violation
from guardrails.kit.resources import Provider, Resource
from guardrails.kit.rules import ADVISORY, DISABLED, MANDATORY, REMEDIATE, Rule
from guardrails.kit.stack import Stack, config_of_environment
from guardrails.kit.values import UNKNOWN, NotYetKnown, Props, Texts, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_LEVELS = {
    ADVISORY: proto.ADVISORY,
    MANDATORY: proto.MANDATORY,
    REMEDIATE: proto.REMEDIATE,
    DISABLED: proto.DISABLED,
}
_LEVEL_NAMES = {value: name for name, value in _LEVELS.items()}
_SEVERITIES = {
    "low": proto.POLICY_SEVERITY_LOW,
    "medium": proto.POLICY_SEVERITY_MEDIUM,
    "high": proto.POLICY_SEVERITY_HIGH,
    "critical": proto.POLICY_SEVERITY_CRITICAL,
}
# What the engine and the stock SDK allow for one message: a whole stack travels in one.
_LARGEST_MESSAGE = 400 * 1024 * 1024


class PolicyPack:
    """A named set of rules that the engine can ask."""

    def __init__(self, name: str, *, version: str, rules: Sequence[Rule]) -> None:
        self.name = name
        self.version = version
        self.rules = rules

    def serve(self) -> None:
        """Serve until the engine ends the process; the port is the first line on standard output."""
        # One worker: the engine asks in order, and the answers build on each other.
        server = grpc.server(
            futures.ThreadPoolExecutor(max_workers=1),
            options=[("grpc.max_receive_message_length", _LARGEST_MESSAGE)],
        )
        analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Analyzer(self, Stack.from_environment()), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            server.stop(0)


class Analyzer(proto.AnalyzerServicer):
    """Answers the engine's calls with what the evaluator finds."""

    def __init__(self, pack: PolicyPack, stack: Stack) -> None:
        self._pack = pack
        self._levels: dict[str, str] = {}
        self._use(stack)

    def _use(self, stack: Stack) -> None:
        self._evaluator = Evaluator(self._pack.rules, stack, datetime.now(tz=UTC).date())
        self._evaluator.choose(self._levels)
        self._analyzed: dict[str, Resource] = {}
        self._seen = Texts()

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's name
        return proto.AnalyzerInfo(
            name=self._pack.name,
            displayName=self._pack.name,
            version=self._pack.version,
            supportsConfig=True,
            policies=[self._policy(rule) for rule in self._pack.rules],
        )

    def _policy(self, rule: Rule) -> Any:
        alone = rule.check is not None
        return proto.PolicyInfo(
            name=rule.id,
            displayName=rule.title,
            description=rule.title,
            enforcementLevel=_LEVELS[rule.level_in(self._evaluator.stack)],
            severity=_SEVERITIES[rule.severity],
            policy_type=proto.POLICY_TYPE_RESOURCE if alone else proto.POLICY_TYPE_STACK,
            remediation_steps=rule.remedy,
            tags=list(rule.topics),
        )

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's name
        return proto.PluginInfo(version=self._pack.version)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's name
        """Take the levels that somebody chose. The engine names every rule here; the others come with their default,
        which may still change with the environment."""
        given = {rule: _LEVEL_NAMES[config.enforcementLevel] for rule, config in request.policyConfig.items()}
        rules = self._evaluator.rules
        self._levels = {
            id_: level
            for id_, level in given.items()
            if id_ in rules and level != rules[id_].level_in(self._evaluator.stack)
        }
        self._evaluator.choose(self._levels)
        return empty_pb2.Empty()

    def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's name
        """Take the stack from the call, where the engine describes it here and not in the environment."""
        if request.project:
            config = dict(request.config) or config_of_environment() or {}
            stack = Stack.of(project=request.project, name=request.stack, config=config, preview=request.dry_run)
            self._use(stack)
        return proto.AnalyzerStackConfigureResponse()

    def _take_name(self, urn: str) -> None:
        """Where nobody has said which stack this is, the first resource says it."""
        if not self._evaluator.stack.named:
            self._use(Stack.of_urn(urn))

    def Analyze(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's name
        self._take_name(request.urn)
        resource = _resource(request, request.properties, self._seen)
        self._analyzed[resource.urn] = resource
        return self._answer(self._evaluator.analyze(resource), self._evaluator.not_applicable(resource))

    def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's name
        given = request.resources
        resources = [_resource(each, each.properties, self._seen, self._analyzed.get(each.urn)) for each in given]
        # Only now everything has been seen.
        resources = [replace(each, secrets=self._seen.without_what_is_known(each.secrets)) for each in resources]
        return self._answer(self._evaluator.analyze_stack(resources), self._evaluator.not_applicable())

    def Remediate(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 - the protocol's name
        self._take_name(request.urn)
        rules = list(self._evaluator.remediating())
        if not rules:
            return proto.RemediateResponse()
        properties = struct_pb2.Struct()
        properties.CopyFrom(request.properties)
        resource = _resource(request, properties, self._seen)
        remediations: list[Any] = []
        for rule in rules:
            try:
                changes = self._evaluator.remediate(resource, rule)
            except NotYetKnown:
                continue
            except Exception as error:  # noqa: BLE001 - one broken rule must not end the run
                failure = f"the remediation itself failed ({type(error).__name__}); nothing was changed"
                remediations.append(self._remediation(rule, diagnostic=failure))
                continue
            if changes:
                # Only what changes is written, so that secrets and unknown values stay what they are.
                _merge(properties, changes)
                resource = _resource(request, properties, self._seen)
                changed = struct_pb2.Struct()
                changed.CopyFrom(properties)
                remediations.append(self._remediation(rule, properties=changed))
        return proto.RemediateResponse(remediations=remediations)

    def _remediation(self, rule: Rule, **what: Any) -> Any:
        return proto.Remediation(
            policyName=rule.id,
            policyPackName=self._pack.name,
            policyPackVersion=self._pack.version,
            description=rule.title,
            **what,
        )

    def _answer(self, violations: Iterable[Violation], not_applicable: Iterable[tuple[Rule, str]]) -> Any:
        return proto.AnalyzeResponse(
            diagnostics=[self._diagnostic(violation) for violation in violations],
            not_applicable=[
                proto.PolicyNotApplicable(policy_name=rule.id, reason=reason) for rule, reason in not_applicable
            ],
        )

    def _diagnostic(self, violation: Violation) -> Any:
        rule = violation.rule
        level = self._evaluator.levels[rule.id]
        return proto.AnalyzeDiagnostic(
            policyName=rule.id,
            policyPackName=self._pack.name,
            policyPackVersion=self._pack.version,
            description=rule.title,
            message=f"{rule.title}\n{violation.message}\nFix: {rule.remedy}",
            # What a remediation could not fix blocks.
            enforcementLevel=_LEVELS[MANDATORY if level == REMEDIATE else level],
            urn=violation.urn,
            severity=_SEVERITIES[rule.severity],
        )


def _resource(request: Any, properties: struct_pb2.Struct, seen: Texts, analyzed: Resource | None = None) -> Resource:
    """The resource in a call. Once `analyzed`, the properties are outputs, and what the program wrote comes first."""
    texts = Texts()
    values = plain(properties, texts)
    provider = None
    if request.HasField("provider"):
        given = request.provider
        provider = Provider(type=given.type, props=Props(plain(given.properties, texts)))
    seen.add(texts)
    dependencies = getattr(request, "propertyDependencies", {})
    return Resource(
        type=request.type,
        name=request.name,
        urn=request.urn,
        props=Props(combined(analyzed.inputs.raw, values) if analyzed else values),
        inputs=analyzed.inputs if analyzed else Props(values),
        parent=request.options.parent or getattr(request, "parent", ""),
        protect=request.options.protect,
        provider=provider,
        dependencies={key: tuple(value.urns) for key, value in dependencies.items()},
        after=frozenset(getattr(request, "dependencies", ())),
        secrets=seen.without_what_is_known(texts.hidden | (analyzed.secrets if analyzed else frozenset())),
    )


def combined(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the program wrote, and for the rest what AWS answered. What the program left out and nobody knows yet is
    left out here too: a preview calls each output unknown, also that an address belongs to nothing."""
    answered = {key: value for key, value in outputs.items() if value is not UNKNOWN or key in inputs}
    return {**answered, **{key: value for key, value in inputs.items() if value is not UNKNOWN or key not in answered}}


def _merge(properties: struct_pb2.Struct, changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, dict) and key in properties.fields and properties.fields[key].HasField("struct_value"):
            _merge(properties.fields[key].struct_value, value)
        else:
            properties[key] = value
