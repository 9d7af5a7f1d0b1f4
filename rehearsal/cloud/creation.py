"""How a resource comes into being in the emulated account, driven by its spec.

A spec says only what the AWS service model cannot: which operation creates the resource, which inputs are called
otherwise there, where the id is found, which further calls complete it. Every other input is matched against the
request by name, exactly. An input that matches nothing is left out and listed as not checked by the emulator: the SDK
knows it, or it would have been refused before. What a program wrote into a JSON text has no such witness: an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.model import ListShape, MapShape, StructureShape

from rehearsal.cloud.account import ACCOUNT, PARTITION
from rehearsal.cloud.client import CreateResult
from rehearsal.cloud.requests import Unmapped, keys_of, request_for
from rehearsal.problems import UnsupportedOperationError
from rehearsal.texts import texts

if TYPE_CHECKING:
    from rehearsal.cloud.account import Account


@dataclass
class CreateContext:
    """One resource while it is created: what specs read from and call through."""

    account: Account
    urn: str
    type: str
    name: str
    region: str
    inputs: dict[str, Any]
    tags: dict[str, str]
    service: str = ""
    id: str = ""
    response: dict[str, Any] = field(default_factory=dict)
    unmapped: Unmapped = field(init=False)

    def __post_init__(self) -> None:
        self.unmapped = Unmapped(frozenset(keys_of(self.inputs)))

    def call(self, operation: str, request: Mapping[str, Any], service: str | None = None) -> dict[str, Any]:
        return self.account.call(service or self.service, operation, self.region, request)

    def request(self, operation: str, inputs: Mapping[str, Any], renames: Mapping[str, str]) -> dict[str, Any]:
        """The members of an operation's request that these inputs fill."""
        shape = self.account.operation(self.service, operation, self.region).input_shape
        if not isinstance(shape, StructureShape):
            return {}
        return request_for(shape, inputs, renames, operation, self.unmapped)

    def find(self, source: Source) -> Any:
        """The value of a source: a function of this, a text with `{fields}`, or a path into the creating answer."""
        if callable(source):
            return source(self)
        if "{" in source:
            return source.format_map(_Fields(self))
        value: Any = self.response
        for step in source.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        return value


class _Fields(dict[str, Any]):
    """`{id}`, `{region}`, `{account}`, `{partition}`, `{name}` and every input by its name."""

    def __init__(self, context: CreateContext) -> None:
        super().__init__(context.inputs)
        self.update(
            id=context.id,
            region=context.region,
            account=ACCOUNT,
            partition=PARTITION,
            name=context.inputs.get("name", context.name),
        )


Source = str | Callable[[CreateContext], Any]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One AWS request. As a resource's first call it takes every input that no other call takes."""

    operation: str
    takes: Mapping[str, str] = field(default_factory=dict)
    """Inputs and the request members they fill (`A.B` for a nested one)."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Members that always have this value; texts and functions are sources."""
    reshape: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Brings the inputs into the request's form where names alone do not."""
    always: bool = False
    """Sent even if the resource gives none of its inputs."""
    service: str | None = None


@dataclass(frozen=True)
class Code:
    """A creation that takes more than one request or a decision between them."""

    run: Callable[[CreateContext], dict[str, Any]]
    reads: Sequence[str]
    """Every input that it uses; any other is listed as not checked, as one that matches no request is."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """How one resource type is created."""

    service: str
    create: Call | Code
    id: Source
    outputs: Mapping[str, Source] = field(default_factory=dict)
    then: Sequence[Call] = ()
    tagging: str | Call | None = None
    """The EC2 resource type for TagSpecifications, or the call that sets tags; else the creating request's own."""
    autoname: str | None = None
    """The input that Pulumi fills with the resource's name and a random suffix."""
    autoname_form: Callable[[str, Sequence[str]], str] = lambda name, _given: name
    """What AWS wants around that name, by the inputs that are given."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What the provider fills in."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Inputs that no creating request carries, and why."""
    validated_only: Callable[[dict[str, Any]], str | None] = lambda _inputs: None
    """The reason why the emulator cannot create such a resource, if it cannot; its requests are validated then."""
    unmade_by: Sequence[str] = ()
    """Inputs that hold parts of the resource which the emulator does not make: given one, what refers to it is
    validated only."""
    accepts_validated: bool = False
    """Whether the emulator makes it without looking up what it refers to, which may then be validated only."""


# Read by the provider on deletion or by the engine; no creating request carries them.
LIFECYCLE: Final = {
    "forceDestroy": "read by the provider on deletion",
    "skipDestroy": "read by the provider on deletion",
    "deletionWindowInDays": "read by the provider on deletion",
    "timeouts": "how long the provider waits",
}


def create(spec: Spec, context: CreateContext) -> CreateResult:
    """Make the resource; raises `RehearsalError` with everything that was wrong with its request."""
    context.service = spec.service
    context.inputs = {**spec.defaults, **context.inputs}
    left_out = [key for key in context.inputs if key in spec.left_out or key in LIFECYCLE]
    reason = spec.validated_only(context.inputs) or (None if spec.accepts_validated else _refers_to_validated(context))
    context.account.client(spec.service, context.region)
    # What was asked before was for something else.
    context.account.recorded()
    context.account.seed(context.urn)
    try:
        if reason is None:
            _emulate(spec, context)
        else:
            _validate(spec, context)
    except UnsupportedOperationError as error:
        raise UnsupportedOperationError(f"{error}, and the spec of {context.type} does not say so") from error
    outputs = {name: context.find(source) for name, source in spec.outputs.items()}
    if reason is not None and context.id not in texts(context.inputs):
        context.account.not_emulated.add(context.id)
    if any(key in context.inputs for key in spec.unmade_by):
        context.account.not_emulated.add(context.id)
    if reason is not None:
        context.account.blind_to.add(context.type)
    return CreateResult(
        id=context.id,
        outputs={name: value for name, value in outputs.items() if value is not None},
        status="validated" if reason else "emulated",
        left_out=sorted(left_out),
        reason=reason,
        calls=context.account.recorded(),
        unmapped=sorted(set(context.unmapped.paths)),
    )


def _emulate(spec: Spec, context: CreateContext) -> None:
    if isinstance(spec.create, Code):
        _leave_unread(spec, spec.create, context)
        context.response = spec.create.run(context)
    else:
        context.response = context.call(spec.create.operation, creating_request(spec, spec.create, context))
    context.id = str(context.find(spec.id))
    for call in spec.then:
        request = further_request(call, context)
        if request is not None:
            context.call(call.operation, request, call.service)
    if isinstance(spec.tagging, Call) and context.tags:
        call = spec.tagging
        context.call(call.operation, {name: _fixed(context, value) for name, value in call.fixed.items()}, call.service)


def _validate(spec: Spec, context: CreateContext) -> None:
    """Check every request as if it were sent, and make up the answer."""
    if isinstance(spec.create, Code):
        # Code decides by answers that only the emulator gives: without it, only the names can be checked.
        _leave_unread(spec, spec.create, context)
        context.id = f"{context.name}-validated"
        return
    request = creating_request(spec, spec.create, context)
    context.response = context.account.example_answer(
        spec.service, spec.create.operation, context.region, request, context.urn
    )
    context.id = str(context.find(spec.id))
    for call in spec.then:
        further = further_request(call, context)
        if further is not None:
            context.account.check(call.service or spec.service, call.operation, context.region, further)


def _leave_unread(spec: Spec, code: Code, context: CreateContext) -> None:
    unread = set(context.inputs) - set(code.reads) - set(spec.left_out) - set(LIFECYCLE) - {"tags", "region"}
    context.unmapped.paths += sorted(unread)


def _refers_to_validated(context: CreateContext) -> str | None:
    found = next((text for text in texts(context.inputs) if text in context.account.not_emulated), None)
    return f"refers to {found}, which is validated only" if found else None


def creating_request(spec: Spec, call: Call, context: CreateContext) -> dict[str, Any]:
    elsewhere = (
        {key for further in spec.then for key in further.takes}
        | set(spec.left_out)
        | set(LIFECYCLE)
        | {"tags", "region"}
    )
    inputs = {key: value for key, value in context.inputs.items() if key not in elsewhere}
    request = _request(call, context, inputs)
    shape = context.account.operation(spec.service, call.operation, context.region).input_shape
    if context.tags and isinstance(shape, StructureShape) and not isinstance(spec.tagging, Call):
        request.update(_tags(shape, context.tags, spec.tagging))
    return request


def further_request(call: Call, context: CreateContext) -> dict[str, Any] | None:
    inputs = {key: context.inputs[key] for key in call.takes if key in context.inputs}
    if not inputs and not call.always:
        return None
    return _request(call, context, inputs)


def _request(call: Call, context: CreateContext, inputs: dict[str, Any]) -> dict[str, Any]:
    shape = context.account.operation(call.service or context.service, call.operation, context.region).input_shape
    if call.reshape is not None:
        inputs = call.reshape(inputs)
    request: dict[str, Any] = {}
    if isinstance(shape, StructureShape):
        request = request_for(shape, inputs, call.takes, call.operation, context.unmapped)
    request.update({name: _fixed(context, value) for name, value in call.fixed.items()})
    return request


def _fixed(context: CreateContext, value: Any) -> Any:
    return context.find(value) if callable(value) or (isinstance(value, str) and "{" in value) else value


def _tags(shape: StructureShape, tags: dict[str, str], resource_type: str | None) -> dict[str, Any]:
    """The tags in the form that this request takes them; none if it takes none."""
    members = {name.lower(): name for name in shape.members}
    if resource_type is not None and "tagspecifications" in members:
        pairs = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
        return {members["tagspecifications"]: [{"ResourceType": resource_type, "Tags": pairs}]}
    name = members.get("tags")
    if name is None:
        return {}
    member = shape.members[name]
    if isinstance(member, MapShape):
        return {name: tags}
    inner = member
    if isinstance(member, StructureShape):
        # CloudFront's, with the list inside.
        inner = member.members["Items"]
    assert isinstance(inner, ListShape)
    assert isinstance(inner.member, StructureShape)
    key, value = sorted(inner.member.members)[:2]
    pairs = [{key: tag, value: text} for tag, text in sorted(tags.items())]
    return {name: pairs if inner is member else {"Items": pairs}}
