"""What happens to a resource after its creation: it is looked at, changed and deleted in the emulated account.

`operations` says by which operations. Their members are filled as requests of creations are: by what the table says,
else by the input or output of the member's name, else by the id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.model import ListShape, Shape, StructureShape

from rehearsal.cloud import creation
from rehearsal.cloud.account import Account
from rehearsal.cloud.creation import Call, CreateContext, Spec
from rehearsal.cloud.operations import OPERATIONS, Operation, Operations
from rehearsal.cloud.requests import request_for
from rehearsal.cloud.specs import spec_of
from rehearsal.problems import AwsError, RequestError, UnsupportedOperationError

Answer = dict[str, Any]

_PUTS: Final = ("Put", "Set", "Attach", "Add", "Associate", "Register", "Modify", "Update")
"""How an operation begins that may be asked again of what is there."""
_TAGS: Final = ("tags", "tagsAll")
_PARTS: Final = {"Key": "Value", "TagKey": "TagValue", "key": "value"}
"""How tags are told in lists."""


@dataclass(frozen=True)
class Thing:
    """A resource that the account holds, as whoever made it knows it."""

    urn: str
    type: str
    name: str
    id: str
    region: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])


class NotReadableError(RequestError):
    """Nothing says how the account is asked for such a thing, or the emulator cannot answer."""

    def __init__(self, message: str = "cannot be read", *more: str | None) -> None:
        super().__init__(message, *more)


def look(account: Account, thing: Thing) -> Answer | None:
    """What the account says of it now; None where it is gone.

    :raises NotReadableError: It cannot be asked.
    """
    operations = OPERATIONS.get(thing.type)
    if operations is None or operations.read is None:
        raise NotReadableError
    context = _context(account, thing)
    try:
        answer: Any = _call(context, operations.read)
    except UnsupportedOperationError as error:
        raise NotReadableError from error
    except AwsError as error:
        if _is_gone(error):
            return None
        raise
    for step in operations.at.split(".") if operations.at else ():
        answer = _step(answer, step, thing)
        if answer is None:
            return None
    return answer if isinstance(answer, dict) else {"": answer}


def _step(answer: Any, step: str, thing: Thing) -> Any:
    if not isinstance(answer, list):
        return answer.get(step) if isinstance(answer, dict) else None
    if step.startswith("["):
        called = (thing.id, *thing.inputs.values())
        return next((one for one in answer if one.get(step[1:-1]) in called), None)
    return answer[int(step)] if int(step) < len(answer) else None


def drift(type_: str, inputs: Mapping[str, Any], before: Answer, now: Answer) -> tuple[dict[str, Any], list[str]]:
    """The inputs whose values the account has otherwise than `before`, as it has them `now`; and those of which only
    that is known."""
    found: dict[str, Any] = {}
    untold: list[str] = []
    renames = _renames(spec_of(type_))
    for key, given in inputs.items():
        member = renames.get(key, key).rpartition(".")[2].lower()
        if key in _TAGS:
            old, new = _tags_in(before), _tags_in(now)
            if old is not None and new is not None and old != new:
                found[key] = {**{name: text for name, text in given.items() if name in new}, **new}
            continue
        old, new = list(_members(before, member)), list(_members(now, member))
        if len(old) > 1 or len(new) > 1 or old == new:
            continue
        try:
            found[key] = _as_given(given, new[0]) if new else None
        except (TypeError, ValueError):
            untold.append(key)
    return found, untold


def told(type_: str, names: frozenset[str], answer: Answer) -> dict[str, Any]:
    """The properties among `names` that the account's answer tells, for a resource that nobody has described."""
    renames = _renames(spec_of(type_))
    found: dict[str, Any] = {}
    for name in names:
        if name in _TAGS:
            found[name] = _tags_in(answer)
            continue
        values = list(_members(answer, renames.get(name, name).rpartition(".")[2].lower()))
        if len(values) == 1 and not isinstance(values[0], dict | list):
            found[name] = values[0]
    return {name: value for name, value in found.items() if value not in (None, {})}


def change(account: Account, thing: Thing, before: Mapping[str, Any], tags: Mapping[str, str]) -> list[str]:
    """Bring the thing from the inputs `before` to those that it has now; returns the inputs that the account was not
    told of."""
    spec = spec_of(thing.type)
    changed = {key for key in {*before, *thing.inputs} if before.get(key) != thing.inputs.get(key)} - set(_TAGS)
    if spec is None:
        return sorted(changed)
    context = _context(account, thing)
    context.tags = dict(tags)
    operations = OPERATIONS.get(thing.type, Operations())
    left = changed - set(spec.left_out) - set(creation.LIFECYCLE)
    for call in spec.then:
        if left & set(call.takes) and set(call.takes) & set(thing.inputs):
            request = creation.further_request(call, context)
            if request is not None and _told(context, call.operation, request, call.service):
                left -= set(call.takes)
    for operation in operations.update:
        if left:
            left -= _update(context, operation, left, _renames(spec))
    if left and operations.again:
        left -= _again(spec, context)
    elif left and isinstance(spec.create, Call) and spec.create.operation.startswith(_PUTS) and not operations.update:
        request = creation.creating_request(spec, spec.create, context)
        if _told(context, spec.create.operation, request, None):
            left.clear()
    return sorted(left)


def retag(account: Account, thing: Thing, before: Mapping[str, str], tags: Mapping[str, str]) -> bool:
    """Give it these tags in place of those `before`; returns whether the account could be told."""
    spec = spec_of(thing.type)
    if spec is None or spec.service != "ec2":
        return False
    context = _context(account, thing)
    pairs = [{"Key": key, "Value": value} for key, value in sorted(tags.items()) if before.get(key) != value]
    gone = [{"Key": key} for key in sorted(before.keys() - tags.keys())]
    done = True
    for operation, what in (("CreateTags", pairs), ("DeleteTags", gone)):
        if what:
            done = done and _told(context, operation, {"Resources": [thing.id], "Tags": what}, None)
    return done


def delete(account: Account, thing: Thing) -> bool:
    """Delete it; returns whether the account could be told. What is gone already is no failure."""
    operations = OPERATIONS.get(thing.type)
    if operations is None or operations.delete is None:
        return False
    context = _context(account, thing)
    try:
        for operation in operations.delete:
            if isinstance(operation, Operation):
                _call(context, operation)
            else:
                operation(context)
    except UnsupportedOperationError:
        return False
    except AwsError as error:
        if not _is_gone(error):
            raise
    return True


def _context(account: Account, thing: Thing) -> CreateContext:
    context = CreateContext(account, thing.urn, thing.type, thing.name, thing.region, dict(thing.inputs), {})
    spec = spec_of(thing.type)
    context.service = spec.service if spec is not None else ""
    context.id = thing.id
    # What creating it answered is told by its outputs.
    context.response = dict(thing.outputs)
    return context


def _call(context: CreateContext, operation: Operation) -> Answer:
    service = operation.service or context.service
    shape = context.account.operation(service, operation.name, context.region).input_shape
    request = {
        name: value for name, source in operation.members.items() if (value := _value(context, source)) is not None
    }
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if name not in request:
                request[name] = _filled(context, name, shape.members[name])
        request = {name: _in_form(shape.members[name], value) for name, value in request.items()}
    return context.call(operation.name, request, service)


def _value(context: CreateContext, source: Any) -> Any:
    if isinstance(source, str) and source.startswith("="):
        return context.inputs.get(source[1:], context.response.get(source[1:]))
    return context.find(source) if callable(source) or (isinstance(source, str) and "{" in source) else source


def _filled(context: CreateContext, member: str, shape: Shape) -> Any:
    """What stands for a member that AWS requires and the table does not say."""
    spec = spec_of(context.type)
    by_member = {path.rpartition(".")[2].lower(): key for key, path in _renames(spec).items()}
    wanted = member.lower()
    for key in (by_member.get(wanted), wanted):
        for values in (context.inputs, context.response):
            found = next((value for name, value in values.items() if key and name.lower() == key.lower()), None)
            if found is not None:
                return found
    return [context.id] if isinstance(shape, ListShape) else context.id


def _in_form(shape: Shape, value: Any) -> Any:
    if isinstance(shape, ListShape) and not isinstance(value, list):
        return [value]
    return value


def _told(context: CreateContext, operation: str, request: Mapping[str, Any], service: str | None) -> bool:
    try:
        context.call(operation, request, service)
    except UnsupportedOperationError:
        return False
    return True


def _update(context: CreateContext, operation: Operation, changed: set[str], renames: Mapping[str, str]) -> set[str]:
    """Ask for the change; returns the inputs that the request had a place for."""
    service = operation.service or context.service
    shape = context.account.operation(service, operation.name, context.region).input_shape
    if not isinstance(shape, StructureShape):
        return set()
    if operation.takes:
        carried = changed & set(operation.takes)
        return carried if carried and _done(context, operation) else set()
    members = {name.lower(): name for name in shape.members}
    carried = {
        key for key in changed if key in context.inputs and renames.get(key, key).partition(".")[0].lower() in members
    }
    if not carried:
        return set()
    # What belongs together is sent together: an update that names one part of a thing replaces the rest of it.
    heads = {renames.get(key, key).partition(".")[0].lower() for key in carried}
    sent = {
        key: value
        for key, value in context.inputs.items()
        if key not in _TAGS and renames.get(key, key).partition(".")[0].lower() in heads
    }
    request = request_for(shape, sent, renames, operation.name, context.unmapped)
    whole = Operation(operation.name, {**request, **operation.members}, operation.service)
    return carried if _done(context, whole) else set()


def _done(context: CreateContext, operation: Operation) -> bool:
    try:
        _call(context, operation)
    except UnsupportedOperationError:
        return False
    return True


def _again(spec: Spec, context: CreateContext) -> set[str]:
    """Make it once more, over what is there; returns the inputs that this carried."""
    carried = set(context.inputs)
    if isinstance(spec.create, Call):
        request = creation.creating_request(spec, spec.create, context)
        return carried if _told(context, spec.create.operation, request, None) else set()
    try:
        spec.create.run(context)
    except UnsupportedOperationError:
        return set()
    return carried


def _renames(spec: Spec | None) -> dict[str, str]:
    """What the inputs are called in requests, where that is otherwise."""
    if spec is None:
        return {}
    calls = [*((spec.create,) if isinstance(spec.create, Call) else ()), *spec.then]
    return {key: member for call in calls for key, member in call.takes.items()}


def _is_gone(error: AwsError) -> bool:
    return error.not_there


def _members(value: Any, wanted: str) -> Iterator[Any]:
    """The values of this name nearest to the top of an answer."""
    level = [value]
    while level:
        found = [item for one in level for name, item in one.items() if name.lower() == wanted]
        if found:
            yield from found
            return
        level = [item for one in level for item in one.values() if isinstance(item, dict)]


def _tags_in(answer: Answer) -> dict[str, str] | None:
    """The tags of an answer in any of AWS's forms; None where it has none."""
    for name, value in answer.items():
        if name.lower() in ("tags", "taglist", "tagset"):
            if isinstance(value, dict):
                return {str(key): str(text) for key, text in value.items()}
            pairs = value if isinstance(value, list) else []
            key = next((one for one in _PARTS if pairs and one in pairs[0]), "Key")
            return {one[key]: one.get(_PARTS[key], "") for one in pairs}
    return None


def _as_given(given: Any, value: Any) -> Any:
    """A value of an answer in the form that the program gives it.

    :raises ValueError, TypeError: It has no such form.
    """
    if isinstance(given, bool):
        return value if isinstance(value, bool) else {"true": True, "false": False}[str(value).lower()]
    if isinstance(given, str) and isinstance(value, dict | list):
        raise ValueError(value)
    if isinstance(given, int | float | str):
        return type(given)(value)
    if isinstance(given, list) and isinstance(value, list):
        template = given[0] if given else ""
        return [_as_given(template, one) for one in value]
    if isinstance(given, dict) and isinstance(value, dict):
        members = {name.lower(): one for name, one in value.items()}
        return {key: _as_given(one, members[key.lower()]) for key, one in given.items() if key.lower() in members}
    raise ValueError(value)
