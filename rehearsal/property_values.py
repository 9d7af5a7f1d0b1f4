"""Property values between the wire (protobuf, with Pulumi's sentinels) and plain Python.

In Python a secret is a `Secret`, a value that is not known yet is `UNKNOWN`; whole numbers are `int`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

from rehearsal.marks import NOT_KNOWN, REDACTED, SECRET, SIGNATURE
from rehearsal.texts import texts

_RESOURCE = rpc._special_resource_sig  # noqa: SLF001 the SDK has no public names for its wire sentinels
_OUTPUT = rpc._special_output_value_sig  # noqa: SLF001

SHORTEST: Final = 6
"""Characters from which a secret is looked for in other texts: `true` or a log level says nothing, and hiding it
wherever it turns up would garble the rest."""


@dataclass(frozen=True)
class Secret:
    """A value that may be used but not shown."""

    value: Any


class Unknown:
    """A value that only a real creation would tell."""

    def __repr__(self) -> str:
        return NOT_KNOWN

    def __reduce__(self) -> str:
        # There is one of it, in every process.
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


def decode(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The properties of a message; nulls are dropped, as the engine drops them."""
    return {key: _decode(value) for key, value in struct.fields.items() if value.WhichOneof("kind") != "null_value"}


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _decode_object(value.struct_value)
    return None


def _decode_object(struct: struct_pb2.Struct) -> Any:
    fields = struct.fields
    signature = fields[SIGNATURE].string_value if SIGNATURE in fields else None
    if signature == SECRET:
        return Secret(_decode(fields["value"]))
    if signature == _RESOURCE:
        # A whole resource given as an input stands for its id; a component, which has none, for its URN.
        return _decode(fields["id"]) if "id" in fields else fields["urn"].string_value
    if signature == _OUTPUT:
        value = _decode(fields["value"]) if "value" in fields else UNKNOWN
        return Secret(value) if "secret" in fields and fields["secret"].bool_value else value
    return decode(struct)


def encode(properties: dict[str, Any]) -> struct_pb2.Struct:
    """The message for `properties`; the reverse of `decode`."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        _encode(value, struct.fields[key])
    return struct


def _encode(value: Any, into: struct_pb2.Value) -> None:
    if value is None:
        into.null_value = struct_pb2.NULL_VALUE
    elif value is UNKNOWN:
        into.string_value = rpc.UNKNOWN
    elif isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, int | float):
        into.number_value = value
    elif isinstance(value, str):
        into.string_value = value
    elif isinstance(value, Secret):
        into.struct_value.fields[SIGNATURE].string_value = SECRET
        _encode(value.value, into.struct_value.fields["value"])
    elif isinstance(value, dict):
        into.struct_value.SetInParent()
        for key, item in value.items():
            _encode(item, into.struct_value.fields[key])
    else:
        into.list_value.SetInParent()
        for item in value:
            _encode(item, into.list_value.values.add())


def plain(value: Any, secrets: set[str] | None = None) -> Any:
    """`value` without its secret wrappers; each secret text is added to `secrets`, to be kept out of what is shown."""
    if isinstance(value, Secret):
        inner = plain(value.value, secrets)
        if secrets is not None:
            secrets.update(_texts(inner))
        return inner
    if isinstance(value, dict):
        return {key: plain(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item, secrets) for item in value]
    return value


def _texts(value: Any) -> set[str]:
    return {text for text in texts(value) if text}


def shown(value: Any, secrets: frozenset[str] | set[str] = frozenset()) -> Any:
    """`value` as a report may show it: secrets replaced, also where a secret text turns up inside another."""
    if isinstance(value, Secret):
        return REDACTED
    if value is UNKNOWN:
        return NOT_KNOWN
    if isinstance(value, dict):
        return {key: shown(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item, secrets) for item in value]
    if isinstance(value, str):
        for secret in secrets:
            if len(secret) >= SHORTEST and secret in value:
                value = value.replace(secret, REDACTED)
    return value


def has_unknown(value: Any) -> bool:
    """Whether anything in `value` is not known yet."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def has_secret(value: Any) -> bool:
    """Whether anything in `value` is secret."""
    if isinstance(value, dict):
        return any(has_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(has_secret(item) for item in value)
    return isinstance(value, Secret)
