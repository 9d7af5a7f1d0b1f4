"""The recorder: runs a program or a component under Pulumi's mocks, and keeps everything that it registers.

    def test_a_queue_is_encrypted_with_the_key(recorder: Recorder) -> None:
        recorder.run(lambda: Queue("wiki-dev-jobs", QueueArgs(consumer_timeout_seconds=30, key_arn=KEY)) and None)
        assert recorder.named("wiki-dev-jobs-queue").inputs["kmsMasterKeyId"] == KEY

`run` ends when all is registered, and raises what the program raises. Then `named`, `one` and `of` find what was
registered, `behind` and `users_of` what it is connected with: inputs as the engine gets them (camelCase), parents,
options. `outputs` has what the program exports, and the fixture `resolved` tells the value of any other output.

It behaves as the engine does, not as the SDK's own mocks do: URNs are whole, secrets stay secret, transforms and the
hooks around a creation run, in a preview what AWS computes is unknown. Nothing is created. Every resource gets an id
and its inputs back, with what `outputs.computed` adds in AWS's place; `returns` says otherwise for a type. A resource
that is given no name gets one as from the provider, its own and a suffix. `answers` has what look-ups say, `stacks`
what other stacks export, and `configure` sets the configuration. Whether AWS would take it only a rehearsal knows.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import config as pulumi_config
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import reset_options
from pulumi.runtime.stack import Stack, run_pulumi_func

from kumiki.testing.outputs import ACCOUNT, REGION, computed, zone_of
from kumiki.where import offer_parts

offer_parts()

from rehearsal.analyzer import Judged  # noqa: E402 found by the line above
from rehearsal.callbacks import Callbacks  # noqa: E402
from rehearsal.property_values import Secret, decode, encode, has_secret  # noqa: E402

_STACK: Final = "pulumi:pulumi:Stack"
_REFERENCE: Final = "pulumi:pulumi:StackReference"


@dataclass
class Registered:
    """One resource as it was registered."""

    type: str
    name: str
    inputs: dict[str, Any]
    urn: str
    parent: str
    """The parent's URN; empty for the stack's own children."""
    provider: str
    custom: bool
    protect: bool
    retained: bool
    """Whether a deletion leaves it where it is."""
    ignore_changes: list[str]
    replace_on_changes: list[str]
    deleted_first: bool
    """Whether a replacement is made when this one is gone."""
    dependencies: list[str]
    """The URNs of what it waits for."""
    sources: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """For each input the URNs of what its value is taken from."""
    secrets: frozenset[str] = frozenset()
    """The inputs that are, or hold, a secret."""
    judged: Judged | None = None
    """As a policy pack is told of it."""

    def policy(self, key: str = "policy") -> dict[str, Any]:
        """The policy document in one of the inputs."""
        return json.loads(self.inputs[key])

    def value(self, key: str) -> Any:
        """An input, also where it is a secret."""
        return rpc.unwrap_rpc_secret(self.inputs[key])


Answer = Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass
class Recorder:
    """Everything that was registered, looked up and exported in one run."""

    resources: list[Registered] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    preview: bool = False
    region: str = REGION
    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What other stacks export, for StackReference."""
    answers: dict[str, Answer] = field(default_factory=dict)
    """What look-ups answer, by their tokens (`aws:ec2/getVpc:getVpc`), or a function of their arguments."""
    returns: dict[str, Answer] = field(default_factory=dict)
    """Outputs of resources by type, in place of `computed`'s, or a function of the inputs."""
    made: dict[tuple[str, str], tuple[str, dict[Any, Any]]] = field(default_factory=dict)
    """What exists, by type and name: its id and its outputs."""
    existing: Mapping[tuple[str, str], tuple[str, dict[Any, Any]]] = field(default_factory=dict)
    """What another run has made: for a preview of an update, which knows its outputs and no others."""
    parameters: dict[str, str] = field(default_factory=dict)
    """What parameters hold, where it is not what the program wrote."""
    images: list[str] = field(default_factory=list)
    """The tags in every repository."""
    zones: list[str] = field(default_factory=lambda: [f"{REGION}{letter}" for letter in "acd"])

    def configure(self, config: Mapping[str, Any], secrets: Iterable[str] = ()) -> None:
        """Set the stack's configuration, by keys with a namespace (`shop:size`); `secrets` names secret ones."""
        values = {key: one if isinstance(one, str) else json.dumps(one) for key, one in config.items()}
        pulumi.runtime.set_all_config(values, list(secrets))

    def run(self, program: Callable[[], Any]) -> Recorder:
        """Run `program` to the end; its error, if any, is raised here."""
        loop = asyncio.get_event_loop()
        loop.run_until_complete(run_pulumi_func(program))
        stack = pulumi.runtime.get_root_resource()
        assert isinstance(stack, Stack)
        known = pulumi.Output.from_input(stack.outputs)
        self.outputs = loop.run_until_complete(known.future(with_unknowns=True)) or {}
        return self

    def of(self, type_: str) -> list[Registered]:
        """Every resource whose type token ends like this, by name."""
        return sorted((each for each in self.resources if each.type.endswith(type_)), key=lambda each: each.name)

    def one(self, type_: str) -> Registered:
        """The only resource of a type."""
        found = self.of(type_)
        assert len(found) == 1, f"expected one {type_}, found {[each.name for each in found]}"
        return found[0]

    def named(self, name: str) -> Registered:
        """The only resource of a name."""
        found = [each for each in self.resources if each.name == name]
        assert len(found) == 1, f"expected one {name}, found {[each.name for each in self.resources]}"
        return found[0]

    def by_urn(self, urn: str) -> Registered:
        return next(each for each in self.resources if each.urn == urn)

    def behind(self, resource: Registered, key: str | None = None) -> list[Registered]:
        """What a resource takes the value of an input from, or of any input and by `depends_on`."""
        urns = resource.sources.get(key, []) if key is not None else resource.dependencies
        return [each for each in self.resources if each.urn in urns]

    def users_of(self, resource: Registered) -> list[Registered]:
        """Those that take a value of it, or wait for it."""
        return [each for each in self.resources if resource.urn in each.dependencies]

    def outermost(self, resource: Registered) -> Registered:
        """The outermost component around a resource."""
        while resource.parent:
            resource = self.by_urn(resource.parent)
        return resource


class _Mocks(mocks.Mocks):
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.typ == _REFERENCE:
            return args.inputs["name"], {**args.inputs, "outputs": self._exported(args), "secretOutputNames": []}
        if self.recorder.preview:
            return self.recorder.existing.get((args.typ, args.name), ("", dict(args.inputs)))
        told = self.recorder.returns.get(args.typ)
        outputs = (
            computed(args.typ, args.name, args.inputs, self.recorder.region)
            if told is None
            else {**args.inputs, **(told(args.inputs) if callable(told) else told)}
        )
        made = args.resource_id or f"{args.name}-id", outputs
        self.recorder.made[args.typ, args.name] = made
        return made

    def _exported(self, args: mocks.MockResourceArgs) -> dict[str, Any]:
        name = args.inputs["name"]
        if name not in self.recorder.stacks:
            raise AssertionError(f"nobody says what stack {name} exports: recorder.stacks[{name!r}] = {{…}}")
        return self.recorder.stacks[name]

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        self.recorder.calls.append(args.token)
        answers: dict[str, Answer] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
            "aws:secretsmanager/getSecretVersion:getSecretVersion": {"secretString": "a-token", "arn": "arn"},
            "aws:index/getPartition:getPartition": {"partition": "aws"},
            "aws:index/getRegion:getRegion": {"region": self.recorder.region},
            "aws:index/getAvailabilityZones:getAvailabilityZones": {"names": self.recorder.zones},
            "aws:secretsmanager/getRandomPassword:getRandomPassword": {"randomPassword": "r4nd0m"},
            "aws:ssm/getParameter:getParameter": {"insecureValue": self._parameter(args.args.get("name", ""))},
            "aws:ecr/getImages:getImages": {
                "imageIds": [{"imageTag": tag, "imageDigest": "sha256:0"} for tag in self.recorder.images]
            },
            "aws:ec2/getSubnet:getSubnet": {"availabilityZone": zone_of(args.args.get("id", ""))},
            "aws:ec2/getManagedPrefixList:getManagedPrefixList": {"id": f"pl-{args.args.get('name')}"},
            **self.recorder.answers,
        }
        if args.token not in answers:
            raise AssertionError(f"nobody says what {args.token} answers: recorder.answers[{args.token!r}] = {{…}}")
        said = answers[args.token]
        return dict(said(args.args) if callable(said) else said), []

    def _parameter(self, name: str) -> str:
        written = {
            one.inputs.get("name"): one.inputs.get("insecureValue")
            for one in self.recorder.of("ssm/parameter:Parameter")
        }
        return {**written, **self.recorder.parameters}.get(name) or "ami-0123456789abcdef0"


class _Monitor(mocks.MockMonitor):
    """Does what the stock mocks leave to the engine, and keeps what they do not tell: parents, providers, options."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(_Mocks(recorder))
        self.recorder = recorder
        self._callbacks = Callbacks()
        self._parents: dict[str, str] = {}

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine's: the stack is not among the parents' types."""
        return super().make_urn("" if _is_stack(parent) else parent, type_, name)

    def RegisterStackTransform(self, request: Any) -> Any:  # noqa: N802 the names of the gRPC methods
        self._callbacks.add_transform(request)
        return super().RegisterStackTransform(request)

    def RegisterResourceHook(self, request: Any) -> Any:  # noqa: N802
        self._callbacks.add_hook(request)
        return super().RegisterResourceHook(request)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        if request.type == _STACK:
            return super().RegisterResource(request)
        urn = self.make_urn(request.parent, request.type, request.name)
        self._parents[urn] = request.parent
        self._transform(urn, request)
        about = {"urn": urn, "name": request.name, "type": request.type, "new_inputs": request.object}
        self._callbacks.run_hooks(request.hooks.before_create, preview=self.recorder.preview, **about)
        response = super().RegisterResource(request)
        _hide(response.object, request.additionalSecretOutputs)
        about |= {"id": response.id, "new_outputs": response.object}
        self._callbacks.run_hooks(request.hooks.after_create, preview=self.recorder.preview, **about)
        self.recorder.resources.append(_registered(response.urn, request))
        return response

    def _transform(self, urn: str, request: Any) -> None:
        properties, options = self._callbacks.transformed(urn, request, self._above(request.parent), stack=False)
        # The message's own fields may be what it is asked by.
        changed: Any = resource_pb2.RegisterResourceRequest()
        changed.CopyFrom(request)
        changed.object.CopyFrom(properties)
        for theirs, ours in _OPTIONS.items():
            changed.ClearField(ours)
            value = getattr(options, theirs)
            if isinstance(value, bool | str):
                setattr(changed, ours, value)
            else:
                getattr(changed, ours).extend(value)
        request.CopyFrom(changed)

    def _above(self, urn: str) -> Iterator[str]:
        while urn in self._parents:
            yield urn
            urn = self._parents[urn]


_OPTIONS: Final = {
    "protect": "protect",
    "provider": "provider",
    "ignore_changes": "ignoreChanges",
    "retain_on_delete": "retainOnDelete",
    "delete_before_replace": "deleteBeforeReplace",
    "replace_on_changes": "replaceOnChanges",
}
"""What a transform may change, by its name there and in a registration."""


def _registered(urn: str, request: Any) -> Registered:
    inputs = rpc.deserialize_properties(request.object, keep_unknowns=True)
    assert inputs is not None
    properties = decode(request.object)
    sources = {key: list(one.urns) for key, one in request.propertyDependencies.items()}
    parent = "" if _is_stack(request.parent) else request.parent
    return Registered(
        type=request.type,
        name=request.name,
        inputs=inputs,
        urn=urn,
        parent=parent,
        provider=request.provider,
        custom=request.custom,
        protect=request.protect,
        retained=request.retainOnDelete,
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        deleted_first=request.deleteBeforeReplace,
        dependencies=list(request.dependencies),
        sources=sources,
        secrets=frozenset(key for key, value in properties.items() if has_secret(value)),
        judged=Judged(
            urn=urn,
            type=request.type,
            name=request.name,
            properties=properties,
            parent=request.parent,
            protect=request.protect,
            dependencies=list(request.dependencies),
            property_dependencies=sources,
            ignore_changes=list(request.ignoreChanges),
            additional_secret_outputs=list(request.additionalSecretOutputs),
        ),
    )


def _hide(outputs: struct_pb2.Struct, names: Iterable[str]) -> None:
    for name in names:
        if name in outputs.fields:
            value = decode(outputs)[name]
            if not isinstance(value, Secret):
                outputs.fields[name].CopyFrom(encode({name: Secret(value)}).fields[name])


def _is_stack(urn: str) -> bool:
    return urn == "" or urn.split("::")[2] == _STACK


@contextmanager
def run(
    *, preview: bool, project: str = "project", stack: str = "dev", root_directory: Path | None = None
) -> Iterator[Recorder]:
    """As the fixtures, for a test that needs one run after another: an event loop of its own, and nothing left over.

    :param root_directory: Where the project's stack files are; None: the program sees none.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    recorder = Recorder(preview=preview)
    folder = str(root_directory) if root_directory else None
    reset_options(project=project, stack=stack, preview=preview, root_directory=folder)
    mocks.set_mocks(
        _Mocks(recorder), project=project, stack=stack, preview=preview, monitor=_Monitor(recorder), organization="o"
    )
    pulumi.runtime.set_all_config({}, [])
    try:
        yield recorder
    finally:
        pulumi_config.CONFIG.set({})
        pulumi_config._SECRET_KEYS.set(set())  # noqa: SLF001 there is no public way to forget them
        reset_options(project=project, stack="dev")
        # Tasks that a failed run left behind say so when they are collected; the test has spoken already.
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        asyncio.set_event_loop(None)
        gc.collect()
