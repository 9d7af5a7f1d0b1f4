"""The resource monitor that a rehearsed program talks to: the engine's part, kept to the engine's rules.

Where the SDK's own mock monitor differs, this one does as the engine does: a URN carries the whole chain of parent
types, a URN used twice is refused, secrets stay secret, transforms run, disabled default providers stay disabled,
and a resource that fails leaves the rest of the program running with its outputs unknown.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import callback_pb2, provider_pb2, resource_pb2

from rehearsal import local, made_up, sdk
from rehearsal.analyzer import Analyzer, Judged
from rehearsal.callbacks import Callbacks, details
from rehearsal.cloud.client import CheckResult, Cloud, CreateRequest, RecordedCall, internal_error
from rehearsal.declared import Declared
from rehearsal.gaps import Cause, Gap
from rehearsal.lines import Source
from rehearsal.marks import STACK
from rehearsal.problems import (
    ASSUMED,
    NOTE,
    NoAnswerError,
    Problem,
    ProgramError,
    RehearsalError,
    RequestError,
    SettingsError,
)
from rehearsal.property_values import UNKNOWN, Secret, decode, encode, has_secret, has_unknown, plain
from rehearsal.source import source
from rehearsal.texts import texts

T = TypeVar("T")

_SHORTEST_MADE_UP: Final = 10
"""Characters from which a made-up text is known for one; `{}`, a region or an account's number are others' too."""
_STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"


@dataclass
class Registered:
    """One registration, as the report tells it."""

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    inputs: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)
    id: str = ""
    status: str = "component"
    reason: str | None = None
    left_out: list[str] = field(default_factory=list)
    depends_on: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = False
    provider: str = ""
    region: str = ""
    partial: bool = False
    """Whether AWS would get more than the inputs here: some are unknown, or no spec says what the provider adds."""
    remediated: list[str] = field(default_factory=list)
    ignore_changes: list[str] = field(default_factory=list)
    secret_outputs: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    """The URNs that it had before, those included that follow from its parent's."""
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    replace_on_changes: list[str] = field(default_factory=list)
    calls: list[RecordedCall] = field(default_factory=list)
    """What its creation asked of AWS."""
    source: Source | None = None
    """Where the program declares it."""
    seconds: float = 0.0
    """How long it took to make, with its checks and without the policies."""


@dataclass(frozen=True)
class Outcome:
    """What creating one resource gave."""

    id: str
    outputs: dict[str, Any]
    status: str
    left_out: list[str] = field(default_factory=list)
    reason: str | None = None
    calls: list[RecordedCall] = field(default_factory=list)
    gaps: tuple[tuple[Cause, str], ...] = ()
    """What was not rehearsed as AWS would have it, and the inputs, ids or reason behind it."""


class Provider(Protocol):
    """What a pass does about a resource once its registration is in order."""

    def check(self, resource: Registered) -> dict[str, Any]:
        """Inputs that the provider adds by itself, such as a generated name."""
        ...

    def create(
        self, resource: Registered, inputs: dict[str, Any], tags: dict[str, str], unknown: tuple[str, ...]
    ) -> Outcome:
        """Make it of `inputs`; `unknown` names those that were given and that nobody knows yet."""
        ...

    def read(self, identifier: str, properties: dict[str, Any]) -> None: ...

    def look_up(self, region: str, token: str, args: dict[str, Any]) -> dict[str, Any]: ...

    def made_up(self, values: Any) -> None:
        """Take note of ids and ARNs that stand for what nothing has made."""
        ...


class Previewing:
    """A dry run: nothing is created, and what only a creation would tell stays unknown."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def check(self, resource: Registered) -> dict[str, Any]:
        # The names that the provider makes are known at a preview already.
        return _checked(self._cloud, resource).added

    def create(
        self,
        resource: Registered,
        inputs: dict[str, Any],
        tags: dict[str, str],  # noqa: ARG002
        unknown: tuple[str, ...],  # noqa: ARG002
    ) -> Outcome:
        return Outcome("", _unknown_outputs(resource.type, inputs), "component")

    def read(self, identifier: str, properties: dict[str, Any]) -> None:
        pass

    def look_up(self, region: str, token: str, args: dict[str, Any]) -> dict[str, Any]:
        return self._cloud.look_up(region, token, args)

    def made_up(self, values: Any) -> None:
        self._cloud.made_up(values)


class Deploying:
    """An update on the emulated account."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._unknown_types: set[str] = set()

    def check(self, resource: Registered) -> dict[str, Any]:
        checked = _checked(self._cloud, resource)
        if not checked.known_type:
            self._unknown_types.add(resource.type)
        return checked.added

    def create(
        self, resource: Registered, inputs: dict[str, Any], tags: dict[str, str], unknown: tuple[str, ...]
    ) -> Outcome:
        if not unknown and (made := local.resource(resource.type, resource.urn, inputs)) is not None:
            return Outcome(*made, "emulated")
        if resource.type in self._unknown_types:
            return self._made_up(resource, "no spec", f"the rehearsal has no spec for {resource.type}")
        request = CreateRequest(resource.urn, resource.type, resource.name, resource.region, inputs, tags, unknown)
        result = self._cloud.create(request)
        gaps = [_of("taken as existing", one) for one in result.existing]
        gaps += [_of("inputs not checked", one) for one in result.unmapped]
        gaps += [_of("unknown inputs", one) for one in unknown]
        if result.failed:
            return self._made_up(resource, "spec failed", result.reason or "", gaps)
        if result.status == "validated":
            gaps.append(_of("not emulated", result.reason or ""))
        outputs = {
            "tagsAll": tags,
            "region": resource.region,
            "ownerId": _account_of(result.outputs),
            **result.outputs,
        }
        always, optional = sdk.output_names(resource.type)
        known = {name: value for name, value in outputs.items() if name in always | optional and value is not None}
        without = _unknown_outputs(resource.type, inputs)
        return Outcome(
            result.id, {**without, **known}, result.status, result.left_out, result.reason, result.calls, tuple(gaps)
        )

    def _made_up(
        self, resource: Registered, cause: Cause, reason: str, gaps: Sequence[tuple[Cause, str]] = ()
    ) -> Outcome:
        """A resource that nothing emulates: what refers to it is validated only, too."""
        identifier, outputs = made_up.resource(
            resource.type, resource.name, resource.urn, resource.region, resource.inputs
        )
        known = {name: value for name, value in outputs.items() if value is not UNKNOWN}
        self._cloud.made_up([identifier, *(value for name, value in known.items() if name.lower().endswith("arn"))])
        self._cloud.read(identifier, known)
        return Outcome(identifier, outputs, "validated", reason=reason, gaps=((cause, reason), *gaps))

    def read(self, identifier: str, properties: dict[str, Any]) -> None:
        self._cloud.read(identifier, properties)

    def look_up(self, region: str, token: str, args: dict[str, Any]) -> dict[str, Any]:
        return self._cloud.look_up(region, token, args)

    def made_up(self, values: Any) -> None:
        self._cloud.made_up(values)


def _of(cause: Cause, what: str) -> tuple[Cause, str]:
    return cause, what


def _checked(cloud: Cloud, resource: Registered) -> CheckResult:
    # A false says no more than an input that is left out.
    given = [key for key, value in resource.inputs.items() if value is not False]
    checked = cloud.check(resource.urn, resource.type, resource.name, given)
    if not checked.added and "name" not in given and "namePrefix" not in given and sdk.named(resource.type):
        # What no spec says otherwise is called as the provider calls it.
        return replace(checked, added={"name": f"{resource.name}-{made_up.token(resource.urn)[:7]}"})
    return checked


def _unknown_outputs(type_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Outputs that always have a value, but none here: whoever needs one is told, not handed None."""
    always, _optional = sdk.output_names(type_)
    return {name: UNKNOWN for name in always if name not in inputs and name not in ("id", "urn")}


def _account_of(outputs: dict[str, Any]) -> str | None:
    arn = outputs.get("arn")
    parts = arn.split(":") if isinstance(arn, str) else []
    return parts[4] or None if len(parts) > 5 else None


class Monitor:
    """Registers what a program declares. The SDK calls it from several threads; it works on one thing at a time."""

    def __init__(
        self,
        *,
        project: str,
        stack: str,
        folder: Path,
        provider: Provider,
        analyzer: Callable[[], Analyzer] | None,
        disabled_defaults: list[str],
        default_region: str,
        stack_outputs: Callable[[str], dict[str, Any] | None],
        declared: Declared,
        stack_tags: str | None,
        progress: Callable[[int, str], None],
        made: Callable[[Registered, dict[str, Any]], None],
    ) -> None:
        self.resources: dict[str, Registered] = {}
        self.problems: list[Problem] = []
        self.gaps: list[Gap] = []
        self.made_up: set[str] = set()
        """Ids, ARNs and answers that stand for what nothing has made."""
        self.outputs: dict[str, Any] = {}
        self.secrets: set[str] = set()
        self._project = project
        self._stack = stack
        self._folder = folder
        self._provider = provider
        self._start_analyzer = analyzer
        self._analyzer: Analyzer | None = None
        self.judging = 0.0
        """Seconds spent waiting for the policy pack."""
        self._disabled_defaults = disabled_defaults
        self._default_region = default_region
        self._stack_outputs = stack_outputs
        self._declared = declared
        self._default_tags = default_tags(stack_tags)
        self._progress = progress
        self._made = made
        self._failed: set[str] = set()
        self._callbacks = Callbacks()
        self._lock = threading.RLock()

    # What the SDK asks before anything else.

    def GetDeploymentInfo(self, _request: Any) -> resource_pb2.DeploymentInfo:  # noqa: N802 the protocol's names
        features = [
            resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
            resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
            resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
            resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
            resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
            resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
            resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
            resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_TRANSFORMS,
            resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
            resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
            resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS,
        ]
        return resource_pb2.DeploymentInfo(supportedFeatures=features)

    def SupportsFeature(self, request: Any) -> Any:  # noqa: N802
        # Older SDKs ask feature by feature. Outputs are not sent as such: their values are what is judged.
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id != "outputValues")

    def RegisterPackage(self, _request: Any) -> resource_pb2.RegisterPackageResponse:  # noqa: N802
        return resource_pb2.RegisterPackageResponse(ref="rehearsal")

    def RegisterStackTransform(self, request: callback_pb2.Callback) -> empty_pb2.Empty:  # noqa: N802
        self._callbacks.add_transform(request)
        return empty_pb2.Empty()

    def RegisterStackInvokeTransform(self, _request: Any) -> empty_pb2.Empty:  # noqa: N802
        self._warn("invoke transforms are registered but not run in a rehearsal")
        return empty_pb2.Empty()

    def RegisterResourceHook(self, _request: Any) -> empty_pb2.Empty:  # noqa: N802
        self._warn("resource hooks are registered but not run in a rehearsal")
        return empty_pb2.Empty()

    def RegisterErrorHook(self, _request: Any) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, _request: Any) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()

    def Call(self, request: Any) -> Any:  # noqa: N802
        """A method of a remote component, which nobody here can run: its result is unknown."""
        self._gap("component not run", request.tok, "a method")
        result: dict[str, Any] = {"return": encode({"result": UNKNOWN})}
        return provider_pb2.CallResponse(**result)

    # Resources.

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:  # noqa: N802
        with self._lock:
            urn = self._urn(request.parent, request.type, request.name)
            if urn in self.resources:
                # The first of the two stays as it is: only the second is wrong.
                self._say(urn, ProgramError(f"the URN {urn} is used twice", "give each resource a name of its own"))
                return resource_pb2.RegisterResourceResponse(urn=urn, result=resource_pb2.Result.FAIL)
            try:
                return self._register(urn, request)
            except _NotAttempted as because:
                self._fail(urn, str(because))
            except RehearsalError as error:
                self._fail(urn, error.message)
                self._say(urn, error)
            except Exception as error:  # noqa: BLE001 whatever went wrong belongs to this resource, and is said once
                fault = internal_error(error)
                self._fail(urn, fault.message)
                self._say(urn, fault)
            return resource_pb2.RegisterResourceResponse(urn=urn, result=resource_pb2.Result.FAIL)

    def _register(
        self, urn: str, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        properties, options = self._transformed(urn, request)
        inputs = decode(properties)
        plain(inputs, self.secrets)
        resource = Registered(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=request.custom,
            inputs=inputs,
            depends_on=sorted(request.dependencies),
            property_dependencies={
                key: sorted(deps.urns) for key, deps in sorted(request.propertyDependencies.items())
            },
            protect=options.protect,
            provider=options.provider,
            ignore_changes=list(options.ignore_changes),
            secret_outputs=list(request.additionalSecretOutputs),
            aliases=self._aliases(urn, request, options),
            retain_on_delete=options.retain_on_delete,
            delete_before_replace=options.delete_before_replace,
            replace_on_changes=list(options.replace_on_changes),
            source=source(_frames(request), self._folder),
        )
        self.resources[urn] = resource
        # Before it is made: what takes long is named meanwhile.
        self._progress(len(self.resources), resource.name)
        if request.type == STACK:
            self._analyze(resource)
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if request.type.startswith("pulumi:providers:"):
            resource.id = str(uuid.uuid5(uuid.NAMESPACE_URL, urn))
            resource.outputs = dict(inputs)
        elif request.custom:
            started = time.perf_counter()
            self._create(resource)
            resource.seconds = time.perf_counter() - started
        elif request.remote:
            always, optional = sdk.output_names(request.type)
            resource.outputs = dict.fromkeys((always | optional) - {"urn"}, UNKNOWN)
            resource.status, resource.reason = "read", "a component that another language's plug-in makes"
            self._gap("component not run", resource.type, resource.name)
        self._analyze(resource)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=resource.id, object=encode(resource.outputs))

    def _create(self, resource: Registered) -> None:
        self._check_provider(resource.provider, resource.type, resource.name)
        provider = self._provider_of(resource.provider)
        resource.region = self._region(resource.provider, resource.inputs)
        default = default_tags(provider.inputs.get("defaultTags")) if provider else self._default_tags
        tags = complete(resource.type, resource.inputs, default)
        resource.inputs.update(self._provider.check(resource))
        self._remediate(resource)
        unknown = self._unknown_inputs(resource)
        inputs = {
            key: value for key, value in plain(resource.inputs).items() if key != "tagsAll" and key not in unknown
        }
        outcome = self._provider.create(resource, inputs, plain_tags(resource.inputs.get("tagsAll")) or tags, unknown)
        computed = {key: value for key, value in outcome.outputs.items() if not has_secret(resource.inputs.get(key))}
        resource.outputs = {**resource.inputs, **computed}
        for name in {*resource.secret_outputs, *local.secret_outputs(resource.type)}:
            if name in resource.outputs and not isinstance(resource.outputs[name], Secret):
                resource.outputs[name] = Secret(resource.outputs[name])
        plain(resource.outputs, self.secrets)
        resource.id, resource.status = outcome.id, outcome.status
        resource.left_out, resource.reason = outcome.left_out, outcome.reason
        resource.calls = outcome.calls
        if any(cause in ("no spec", "spec failed") for cause, _what in outcome.gaps):
            self.made_up |= set(texts([outcome.id, outcome.outputs])) - {
                resource.name,
                resource.region,
                made_up.ACCOUNT,
            }
        resource.partial = any(cause in ("no spec", "spec failed", "unknown inputs") for cause, _what in outcome.gaps)
        for cause, what in outcome.gaps:
            self._gap(cause, resource.type, resource.name, what)
        if outcome.status != "skipped":
            self._made(resource, inputs)

    def _unknown_inputs(self, resource: Registered) -> tuple[str, ...]:
        """The inputs whose values nobody knows in a deployment: a gap of the rehearsal is behind them, or a failure."""
        if isinstance(self._provider, Previewing):
            return ()
        unknown = tuple(key for key, value in resource.inputs.items() if key != "tagsAll" and has_unknown(value))
        sources = sorted({urn for key in unknown for urn in resource.property_dependencies.get(key, [])})
        failed = next((urn for urn in sources if urn in self._failed), None)
        if failed is not None:
            raise _NotAttempted(f"not attempted: {failed.split('::', 3)[-1]}, which it needs, failed")
        return unknown

    def _gap(self, cause: Cause, type_: str, subject: str, what: str = "") -> None:
        gap = Gap(cause, type_, subject, what)
        if gap not in self.gaps:
            self.gaps.append(gap)

    def _ask(self, question: Callable[[Analyzer], T], otherwise: T) -> T:
        """What the policy pack answers, or `otherwise` without one. It starts while the program imports its SDK."""
        if self._start_analyzer is None:
            return otherwise
        started = time.perf_counter()
        try:
            self._analyzer = self._analyzer or self._start_analyzer()
            return question(self._analyzer)
        except RehearsalError as error:
            problem = error.problem()
        except grpc.RpcError as error:
            problem = Problem(kind="policy", message=f"the policy pack failed: {details(error)}")
        finally:
            self.judging += time.perf_counter() - started
        # A pack that does not work is one problem, not one for each resource.
        self._start_analyzer = None
        self.problems.append(problem)
        return otherwise

    def _remediate(self, resource: Registered) -> None:
        judged = self._judged(resource, resource.inputs)
        inputs, rules = self._ask(lambda analyzer: analyzer.remediate(judged), (resource.inputs, list[str]()))
        if rules:
            resource.inputs, resource.remediated = inputs, rules

    def _analyze(self, resource: Registered) -> None:
        judged = self._judged(resource, resource.inputs)
        self.problems += self._ask(lambda analyzer: analyzer.analyze(judged), list[Problem]())

    def analyze_stack(self, *, whole: bool) -> int:
        """Ask for the rules over the graph if it is `whole`, once the program has ended; returns how many rules there
        are."""
        if whole:
            judged = [self._judged(one, one.outputs or one.inputs) for one in self.resources.values()]
            # What is read is somebody else's: the rules see it beside the rest, and accuse nobody here of it.
            read = {one.urn for one in self.resources.values() if one.status == "read"}
            found = self._ask(lambda analyzer: analyzer.analyze_stack(judged), list[Problem]())
            self.problems += [problem for problem in found if problem.urn not in read]
        return self._ask(lambda analyzer: analyzer.count, 0)

    def _judged(self, resource: Registered, properties: dict[str, Any]) -> Judged:
        provider = self._provider_of(resource.provider)
        return Judged(
            urn=resource.urn,
            type=resource.type,
            name=resource.name,
            properties=properties,
            parent=resource.parent,
            protect=resource.protect,
            provider=Judged(provider.urn, provider.type, provider.name, provider.inputs) if provider else None,
            dependencies=resource.depends_on,
            property_dependencies=resource.property_dependencies,
            ignore_changes=resource.ignore_changes,
            additional_secret_outputs=resource.secret_outputs,
        )

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> empty_pb2.Empty:  # noqa: N802
        with self._lock:
            outputs = decode(request.outputs)
            plain(outputs, self.secrets)
            if request.urn in self.resources:
                self.resources[request.urn].outputs = outputs
                if self.resources[request.urn].type == STACK:
                    self.outputs = outputs
            return empty_pb2.Empty()

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:  # noqa: N802
        with self._lock:
            urn = self._urn(request.parent, request.type, request.name)
            properties = decode(request.properties)
            resource = Registered(
                urn=urn,
                type=request.type,
                name=request.name,
                parent=request.parent,
                custom=True,
                inputs=properties,
                id=request.id,
                source=source(_frames(request), self._folder),
            )
            if request.type == _STACK_REFERENCE:
                return self._read_stack(resource)
            self._check_provider(request.provider, request.type, request.name)
            resource.provider, resource.region = request.provider, self._region(request.provider, properties)
            resource.status, resource.reason = (
                "read",
                "read, not created: the rehearsal assumes that it exists",
            )
            resource.outputs = dict(properties)
            self._provider.read(request.id, plain(properties))
            self.resources[urn] = resource
            return resource_pb2.ReadResourceResponse(urn=urn, properties=encode(resource.outputs))

    def _read_stack(self, resource: Registered) -> resource_pb2.ReadResourceResponse:
        name = str(plain(resource.inputs).get("name", resource.id))
        outputs = self._stack_outputs(name)
        if outputs is None:
            # As in a preview before that stack is there: a program that only passes them on goes on.
            self._gap("stack not known", _STACK_REFERENCE, name)
            resource.outputs = {"name": name, "outputs": UNKNOWN, "secretOutputNames": []}
            resource.status, resource.reason = "read", f"nobody declared the outputs of the stack {name!r}"
            self.resources[resource.urn] = resource
            return resource_pb2.ReadResourceResponse(urn=resource.urn, properties=encode(resource.outputs))
        secret_names = [key for key, value in outputs.items() if has_secret(value)]
        resource.outputs = {"name": name, "outputs": outputs, "secretOutputNames": secret_names}
        resource.status, resource.reason = "emulated", f"rehearsed as stack {name!r} in the same account"
        self._provider.read(resource.id, plain(outputs))
        self.resources[resource.urn] = resource
        return resource_pb2.ReadResourceResponse(urn=resource.urn, properties=encode(resource.outputs))

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeResponse:  # noqa: N802
        with self._lock:
            args = plain(decode(request.args))
            try:
                if request.tok == "pulumi:pulumi:getResource":
                    resource = self.resources[args["urn"]]
                    answer = {"urn": resource.urn, "id": resource.id, "state": resource.outputs}
                else:
                    self._check_provider(request.provider, request.tok, request.tok)
                    answer = self._look_up(self._region(request.provider, args), request.tok, args)
                    if ASSUMED in answer:
                        self._gap("taken as existing", request.tok, str(args.get("name")), answer.pop(ASSUMED))
                    if NOTE in answer:
                        self._warn(answer.pop(NOTE))
            except RehearsalError as error:
                reason = f"{error.message}; {error.remedy}" if error.remedy else error.message
                failure = provider_pb2.CheckFailure(property="", reason=reason)
                return resource_pb2.ResourceInvokeResponse(failures=[failure])
            # `return` is a word of Python's, so it cannot be written as a keyword.
            result: dict[str, Any] = {"return": encode(answer)}
            return resource_pb2.ResourceInvokeResponse(**result)

    def _look_up(self, region: str, token: str, args: dict[str, Any]) -> dict[str, Any]:
        if has_unknown(args):
            # The SDK takes an answer with anything unknown in it for unknown as a whole.
            return {"id": UNKNOWN}
        declared = self._declared.answer(token, args)
        if declared is not None:
            answer = made_up.answer(token, args, region)
            wrong = [key for key in declared if key not in answer]
            if wrong:
                raise SettingsError(f"rehearsal.yaml: an answer of {token} has no {', '.join(wrong)}")
            return {**answer, **declared}
        made = local.answer(token, args)
        if made is not None:
            return made
        try:
            return self._provider.look_up(region, token, args)
        except NoAnswerError:
            self._gap("look-up made up", token, ", ".join(f"{key} = {value}" for key, value in sorted(args.items())))
            answer = made_up.answer(token, args, region)
            new = {text for text in set(texts(answer)) - set(texts(args)) if len(text) >= _SHORTEST_MADE_UP} - {
                region,
                made_up.ACCOUNT,
            }
            self.made_up |= new
            self._provider.made_up(sorted(new))
            return answer

    # How things are called and where they belong.

    def _urn(self, parent: str, type_: str, name: str) -> str:
        """The engine's URN: all parent types of the chain, but for the stack's own."""
        chain = parent.split("::")[2] if parent else ""
        qualified = type_ if chain in ("", STACK) else f"{chain}${type_}"
        return f"urn:pulumi:{self._stack}::{self._project}::{qualified}::{name}"

    def _aliases(
        self, urn: str, request: resource_pb2.RegisterResourceRequest, options: resource_pb2.TransformResourceOptions
    ) -> list[str]:
        """As the engine reads them: what an alias leaves out is as it is now, under each of the parent's URNs."""
        parent = self.resources.get(request.parent)
        parents = [request.parent, *(parent.aliases if parent else [])]
        found = list(request.aliasURNs)
        for alias in options.aliases:
            if alias.WhichOneof("alias") == "urn":
                found.append(alias.urn)
                continue
            spec = alias.spec
            type_, name = spec.type or request.type, spec.name or request.name
            under = [""] if spec.noParent else [spec.parentUrn] if spec.parentUrn else parents
            for one in under:
                where = self._urn(one, type_, name).split("::", 2)
                stack, project = spec.stack or self._stack, spec.project or self._project
                found.append(f"urn:pulumi:{stack}::{project}::{where[2]}")
        for one in parents[1:]:
            old = one.split("::", 3)[-1]
            rest = request.name.removeprefix(parent.name) if parent else request.name
            # A child's name that begins with its parent's was made of it.
            found.append(self._urn(one, request.type, f"{old}{rest}" if rest != request.name else request.name))
        return [one for one in dict.fromkeys(found) if one != urn]

    def _provider_of(self, reference: str) -> Registered | None:
        return self.resources.get(reference.rpartition("::")[0])

    def _region(self, provider_reference: str, inputs: dict[str, Any]) -> str:
        own = plain(inputs).get("region")
        if isinstance(own, str):
            return own
        provider = self._provider_of(provider_reference)
        region = plain(provider.inputs).get("region") if provider else None
        return region if isinstance(region, str) else self._default_region

    def _check_provider(self, reference: str, type_: str, name: str) -> None:
        package = type_.partition(":")[0]
        if not reference and ("*" in self._disabled_defaults or package in self._disabled_defaults):
            raise ProgramError(
                f"the default provider for {package!r} is disabled, and {name} has no other",
                "pass the stack's provider on through its options",
            )

    def _transformed(
        self, urn: str, request: resource_pb2.RegisterResourceRequest
    ) -> tuple[Any, resource_pb2.TransformResourceOptions]:
        return self._callbacks.transformed(urn, request, self._parents(request.parent), stack=request.type == STACK)

    def _parents(self, urn: str) -> Iterator[str]:
        while urn in self.resources:
            yield urn
            urn = self.resources[urn].parent

    def _fail(self, urn: str, reason: str) -> None:
        """From now on the resource counts as not made, and what needs it is not tried."""
        self._failed.add(urn)
        resource = self.resources.get(urn)
        if resource is not None:
            resource.status, resource.reason = "skipped", reason

    def _say(self, urn: str, error: RehearsalError) -> None:
        self.problems.append(error.problem(urn))

    def _warn(self, message: str) -> None:
        self.problems.append(Problem(kind="program", level="warning", message=message))


class _NotAttempted(Exception):
    """A resource that was not attempted because one that it needs has failed; the failure has been said already."""


def complete(type_: str, inputs: dict[str, Any], default: Mapping[str, str]) -> dict[str, str]:
    """Bring the inputs of a resource into the form in which the provider has them; returns the tags that it gets.

    :raises RequestError: The SDK knows no input of a name that is among them.
    """
    wrong = [str(name) for name in sdk.wrong_inputs(type_, inputs)]
    if wrong:
        raise RequestError("; ".join(f"{type_} {one}" for one in wrong), "correct the name in the program")
    for name, value in inputs.items():
        if isinstance(value, dict) and name in sdk.texts(type_) and not has_unknown(value):
            # The provider writes an object down where AWS wants a text.
            text = json.dumps(plain(value))
            inputs[name] = Secret(text) if has_secret(value) else text
    tags = {**default, **plain_tags(inputs.get("tags"))}
    if "tagsAll" in sdk.output_names(type_)[0] and tags:
        inputs["tagsAll"] = tags
    return tags


def plain_tags(tags: Any) -> dict[str, str]:
    bare = plain(tags)
    return {key: str(value) for key, value in bare.items() if value is not UNKNOWN} if isinstance(bare, dict) else {}


def default_tags(given: Any) -> dict[str, str]:
    settings = plain(given)
    if isinstance(settings, str):
        # Providers send their settings as JSON texts, and stack files keep them so.
        settings = json.loads(settings)
    return plain_tags(settings.get("tags")) if isinstance(settings, dict) else {}


def _frames(request: Any) -> Any:
    """Where the program asked for it; older SDKs do not tell."""
    return request.stackTrace.frames if hasattr(request, "stackTrace") else ()
