"""Resource properties as rules read them: plain values, with three answers instead of two.

At a preview many values do not exist yet. A rule that needs such a value to decide must neither crash nor accuse, so
there are three ways to ask:

    props.has("kmsKeyId")       set at all? True for a value that is set but not known yet
    props.get("kmsKeyId")       the value; raises NotYetKnown, which ends this rule for this resource without a result
    props.maybe("kmsKeyId")     the value or UNKNOWN, for the rare rule that can decide either way

Findings that a rule gave before it met an unknown stay: they do not depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf import struct_pb2


class _Unknown:
    """A value that exists only after the deployment."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        raise NotYetKnown("a value")


class NotYetKnown(Exception):
    """A rule needs a value that does not exist yet."""


UNKNOWN = _Unknown()

# What the engine puts in the place of a value that is not known yet, one per kind of value
# (sdk/go/common/resource/plugin/rpc.go in pulumi/pulumi).
_UNKNOWN_MARKS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker, no password
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


SHORTEST_IN_A_LIST = 8
"""Characters that a text must have to count as a secret because all around it is one."""


@dataclass
class Texts:
    """The texts of properties, by what the engine says of them."""

    secret: set[str] = field(default_factory=set[str])
    """Each marked as a secret by itself."""
    around: set[str] = field(default_factory=set[str])
    """In a list or a mapping that is marked as a whole, as the engine does where one text in it is a secret: the names
    of origins and protocols stand beside the password."""
    clear: set[str] = field(default_factory=set[str])

    @property
    def hidden(self) -> frozenset[str]:
        """What no message may show, as far as these texts tell."""
        return frozenset(self.secret | {text for text in self.around if len(text) >= SHORTEST_IN_A_LIST})

    def add(self, other: Texts) -> None:
        self.secret |= other.secret
        self.clear |= other.clear

    def without_what_is_known(self, hidden: frozenset[str]) -> frozenset[str]:
        """What is also in the clear is no secret, unless it is marked by itself: hiding it would garble messages."""
        return frozenset(text for text in hidden if text in self.secret or text not in self.clear)


Hidden = Literal["no", "itself", "around"]


def plain(struct: struct_pb2.Struct, texts: Texts) -> dict[str, Any]:
    """`struct` as plain Python values; its texts are added to `texts`."""
    return {key: _plain(value, texts, hidden="no") for key, value in struct.fields.items()}


def _plain(value: struct_pb2.Value, texts: Texts, *, hidden: Hidden) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        if text in _UNKNOWN_MARKS:
            return UNKNOWN
        {"no": texts.clear, "itself": texts.secret, "around": texts.around}[hidden].add(text)
        return text
    if kind == "struct_value":
        fields = value.struct_value.fields
        signature = fields[_SIGNATURE].string_value if _SIGNATURE in fields else ""
        if signature in (_SECRET, _OUTPUT):
            if "value" not in fields:
                return UNKNOWN
            is_secret = signature == _SECRET or ("secret" in fields and fields["secret"].bool_value)
            return _plain(fields["value"], texts, hidden="itself" if is_secret else hidden)
        return {key: _plain(item, texts, hidden=_within(hidden)) for key, item in fields.items()}
    if kind == "list_value":
        return [_plain(item, texts, hidden=_within(hidden)) for item in value.list_value.values]
    if kind == "number_value":
        if hidden == "itself":
            texts.secret.add(show(value.number_value))
        return value.number_value
    return value.bool_value if kind == "bool_value" else None


def _within(hidden: Hidden) -> Hidden:
    return "no" if hidden == "no" else "around"


class Props:
    """A mapping of properties, read by dotted paths: `get("rule.0.applyServerSideEncryptionByDefault")`."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def maybe(self, path: str, default: Any = None) -> Any:
        """The value at `path`, UNKNOWN if it or something above it is not known yet, or `default` if nothing is set."""
        value: Any = self._values
        for key in path.split("."):
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list) and key.isdecimal():
                value = value[int(key)] if int(key) < len(value) else None
            else:
                return default
            if value is UNKNOWN:
                return UNKNOWN
        return default if value is None else _wrapped(value)

    def has(self, path: str) -> bool:
        """Whether something is set at `path`, be it known or not."""
        return self.maybe(path) is not None

    def get(self, path: str, default: Any = None) -> Any:
        """The known value at `path`, or `default` if nothing is set; raises NotYetKnown."""
        value = self.maybe(path, default)
        if value is UNKNOWN:
            raise NotYetKnown(path)
        return value

    def text(self, path: str) -> str:
        """The text at `path`, or "" if there is none; raises NotYetKnown."""
        value = self.get(path)
        return value if isinstance(value, str) else ""

    def number(self, path: str) -> float | None:
        """The number at `path` (all numbers arrive as floats), or None if there is none; raises NotYetKnown."""
        value = self.get(path)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def items(self, path: str) -> Items:
        """The list at `path`; a single value counts as a list of one, nothing as an empty list; raises NotYetKnown."""
        value = self.get(path)
        if isinstance(value, Items):
            return value
        return Items([] if value is None else [value.raw if isinstance(value, Props) else value])

    def keys(self) -> list[str]:
        return [key for key, value in self._values.items() if value is not None]

    @property
    def raw(self) -> Mapping[str, Any]:
        """The plain mapping below; UNKNOWN stands for values that are not known yet."""
        return self._values


class Items:
    """A list of values. A loop sees the known ones first, then raises NotYetKnown if there are others.

    So a rule that accuses single elements accuses the known ones, and one that looks for an element which must exist
    either finds it or gives no result.
    """

    __slots__ = ("_values",)

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def __iter__(self) -> Iterator[Any]:
        complete = True
        for value in self._values:
            if value is UNKNOWN:
                complete = False
            elif value is not None:
                yield _wrapped(value)
        if not complete:
            raise NotYetKnown("an element of a list")

    def blocks(self) -> Iterator[Props]:
        """The elements that are mappings."""
        return (value for value in self if isinstance(value, Props))

    def texts(self) -> Iterator[str]:
        """The elements that are texts."""
        return (value for value in self if isinstance(value, str))

    def known_texts(self) -> Iterator[str]:
        """The texts among the known elements, without an answer about the others."""
        return (value for value in self._values if isinstance(value, str))

    @property
    def some_unknown(self) -> bool:
        return any(value is UNKNOWN for value in self._values)

    def __len__(self) -> int:
        return len(self._values)


def _wrapped(value: Any) -> Any:
    if isinstance(value, dict):
        return Props(value)
    return Items(value) if isinstance(value, list) else value


def show(value: object) -> str:
    """A value as a message shows it: whole numbers without a decimal point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
