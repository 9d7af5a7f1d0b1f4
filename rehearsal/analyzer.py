"""Asking the policy pack as the Pulumi engine asks it, over gRPC."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from rehearsal.pack import ALL, Choice
from rehearsal.problems import Level, Problem, SettingsError
from rehearsal.property_values import decode, encode

_OPTIONS: Final = analyzer_pb2.AnalyzerResourceOptions.DESCRIPTOR.fields_by_name

# The engine's own limit; a stack's properties go over in one message.
_MESSAGE_BYTES: Final = 400 * 1024 * 1024


@dataclass
class Judged:
    """One resource as the analyzer sees it."""

    urn: str
    type: str
    name: str
    properties: dict[str, Any]
    parent: str = ""
    protect: bool = False
    provider: Judged | None = None
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    ignore_changes: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)


class Analyzer:
    """A configured policy pack."""

    def __init__(
        self,
        port: int,
        *,
        project: str,
        stack: str,
        config: dict[str, str],
        dry_run: bool,
        choices: Mapping[str, Choice] | None = None,
    ) -> None:
        options = [
            ("grpc.max_receive_message_length", _MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MESSAGE_BYTES),
        ]
        self._stub = analyzer_pb2_grpc.AnalyzerStub(grpc.insecure_channel(f"127.0.0.1:{port}", options=options))
        info = self._stub.GetAnalyzerInfo(empty_pb2.Empty(), wait_for_ready=True, timeout=30)
        self.pack = f"{info.name} {info.version}"
        self._policies = {policy.name: policy for policy in info.policies}
        configuration = _configuration(info, choices or {})
        self._levels = [one.enforcementLevel for one in configuration.values()]
        self._stub.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=configuration))
        # A program's older SDK does not know it; the pack has been told by its variables, too.
        if hasattr(analyzer_pb2, "AnalyzerStackConfigureRequest"):
            request = analyzer_pb2.AnalyzerStackConfigureRequest(
                stack=stack, project=project, organization="organization", dry_run=dry_run, config=config
            )
            self._stub.ConfigureStack(request)

    @property
    def count(self) -> int:
        """The number of policies that are not disabled."""
        return sum(level != analyzer_pb2.DISABLED for level in self._levels)

    def remediate(self, judged: Judged) -> tuple[dict[str, Any], list[str]]:
        """The properties after all remediations, and the rules that changed them."""
        if analyzer_pb2.REMEDIATE not in self._levels:
            return judged.properties, []
        response = self._stub.Remediate(_request(judged))
        properties, rules = judged.properties, []
        for remediation in response.remediations:
            if remediation.properties.fields:
                properties = decode(remediation.properties)
                rules.append(remediation.policyName)
        return properties, rules

    def analyze(self, judged: Judged) -> list[Problem]:
        return self._problems(self._stub.Analyze(_request(judged)), judged.urn)

    def analyze_stack(self, all_judged: list[Judged]) -> list[Problem]:
        resources = [
            analyzer_pb2.AnalyzerResource(
                **_common(judged),
                parent=judged.parent,
                dependencies=judged.dependencies,
                propertyDependencies={
                    key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
                    for key, urns in judged.property_dependencies.items()
                },
            )
            for judged in all_judged
        ]
        return self._problems(self._stub.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources)), None)

    def _problems(self, response: analyzer_pb2.AnalyzeResponse, urn: str | None) -> list[Problem]:
        problems = []
        for diagnostic in response.diagnostics:
            policy = self._policies.get(diagnostic.policyName)
            mandatory = diagnostic.enforcementLevel in (analyzer_pb2.MANDATORY, analyzer_pb2.REMEDIATE)
            level: Level = "error" if mandatory else "warning"
            remedy = _told(policy, "remediation_steps")
            # The SDK puts the rule's description before what the rule said; a pack may put the remedy behind it.
            message = diagnostic.message.removeprefix(diagnostic.description).strip() or diagnostic.message
            if remedy is not None:
                message = message.partition(remedy)[0].removesuffix("Fix: ").strip() or message
            problems.append(
                Problem(
                    kind="policy",
                    level=level,
                    rule=diagnostic.policyName,
                    urn=diagnostic.urn or urn,
                    message=message,
                    remedy=remedy,
                    title=_told(policy, "displayName") or _told(policy, "description"),
                    url=_told(policy, "url"),
                )
            )
        return problems


def _told(policy: analyzer_pb2.PolicyInfo | None, what: str) -> str | None:
    """What a policy says of itself; a program's older SDK does not hear all of it."""
    return getattr(policy, what, "") or None


def _configuration(
    info: analyzer_pb2.AnalyzerInfo, choices: Mapping[str, Choice]
) -> dict[str, analyzer_pb2.PolicyConfig]:
    """Every policy at the level that is chosen for it, for all, or else its own, its settings at what is chosen or
    their defaults: filling them in is the engine's part."""
    names = [policy.name for policy in info.policies]
    for name in choices:
        if name != ALL and name not in names:
            nearest = difflib.get_close_matches(name, names, n=1)
            raise SettingsError(
                f"--policy-pack-config: the pack {info.name} has no policy {name!r}",
                f"did you mean {nearest[0]!r}?" if nearest else "remove it",
            )
    none = Choice(None, {})
    configuration = {}
    for policy in info.policies:
        config = analyzer_pb2.PolicyConfig(enforcementLevel=policy.enforcementLevel)
        for name, schema in decode(policy.configSchema.properties).items():
            if isinstance(schema, dict) and "default" in schema:
                config.properties.update({name: schema["default"]})
        chosen = choices.get(policy.name, none)
        level = chosen.level or choices.get(ALL, none).level
        if level is not None:
            config.enforcementLevel = analyzer_pb2.EnforcementLevel.Value(level.upper())
        config.properties.update(chosen.properties)
        configuration[policy.name] = config
    return configuration


def _common(judged: Judged) -> dict[str, Any]:
    options = analyzer_pb2.AnalyzerResourceOptions(
        protect=judged.protect,
        ignoreChanges=judged.ignore_changes,
        additionalSecretOutputs=judged.additional_secret_outputs,
    )
    # A program's older SDK does not know it here, and tells the parent with the stack only.
    if "parent" in _OPTIONS:
        options.parent = judged.parent
    fields: dict[str, Any] = {
        "type": judged.type,
        "properties": encode(judged.properties),
        "urn": judged.urn,
        "name": judged.name,
        "options": options,
    }
    if judged.provider is not None:
        provider = judged.provider
        fields["provider"] = analyzer_pb2.AnalyzerProviderResource(
            type=provider.type, properties=encode(provider.properties), urn=provider.urn, name=provider.name
        )
    return fields


def _request(judged: Judged) -> analyzer_pb2.AnalyzeRequest:
    return analyzer_pb2.AnalyzeRequest(**_common(judged))
