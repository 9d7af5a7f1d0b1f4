"""What the installed provider SDK says about a resource type: the names of its inputs and outputs.

Pulumi's Python SDKs pass unknown keys of a dict argument on unread, so a typo in a nested dict reaches nobody:
here every key of every registration is held against the SDK's own classes.
"""

from __future__ import annotations

import difflib
import sys
import types
import typing
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pulumi
from pulumi import _types
from pulumi.runtime import rpc

from rehearsal.property_values import Secret


@dataclass(frozen=True)
class WrongName:
    """An input name that the SDK does not know."""

    path: str
    nearest: str | None

    def __str__(self) -> str:
        hint = f"; did you mean '{self.nearest}'?" if self.nearest else ""
        return f"has no input '{self.path}'{hint}"


@cache
def resource_class(token: str) -> type | None:
    """The SDK class of a type token such as `aws:ec2/vpc:Vpc`, if its package is loaded."""
    package, module, _name = token.split(":", 2)
    for registered in rpc._RESOURCE_MODULES.get(f"{package}:{module}", []):  # noqa: SLF001 the only index by token
        info = getattr(registered, "mod_info", None)
        if info and token in info["classes"]:
            return getattr(sys.modules.get(info["fqn"]), info["classes"][token], None)
    return None


@cache
def _input_types(cls: type) -> dict[str, Any]:
    return _types.input_type_types(cls)


def _args_class(token: str) -> type | None:
    cls = resource_class(token)
    if cls is None:
        return None
    module = sys.modules[cls.__module__]
    # Where the usual name is taken by a nested type (s3.BucketVersioningArgs), the SDK says InitArgs.
    return getattr(module, f"{cls.__name__}InitArgs", None) or getattr(module, f"{cls.__name__}Args", None)


def input_names(token: str) -> frozenset[str]:
    """The names of a type's inputs."""
    args = _args_class(token)
    return frozenset(_input_types(args)) if args is not None else frozenset()


@dataclass(frozen=True)
class WrongKind:
    """A text or a number where the SDK has an object."""

    path: str
    given: Any
    keys: tuple[str, ...]

    def __str__(self) -> str:
        shown = repr(self.given) if isinstance(self.given, str) else f"{self.given}"
        return f"wants an object for '{self.path}', with {', '.join(self.keys)}; got {shown}"


def wrong_inputs(token: str, inputs: Mapping[str, Any]) -> Iterator[WrongName | WrongKind]:
    """Every key in `inputs`, at any depth, that the SDK's args classes do not have, and every text or number where
    they have an object."""
    args = _args_class(token)
    if args is not None:
        yield from _wrong_names((args,), inputs, "")


def _wrong_names(classes: tuple[type, ...], value: Mapping[str, Any], path: str) -> Iterator[WrongName | WrongKind]:
    # Of several classes any will do, and which one is meant no key says: a principal is AWS's, a service's, another's.
    known = {name: hint for cls in classes for name, hint in _input_types(cls).items()}
    for key, item in value.items():
        if key.startswith("__"):
            continue
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
            yield WrongName(path + key, nearest[0] if nearest else None)
            continue
        yield from _wrong_in(known[key], item, path + key)


def _wrong_in(hint: Any, value: Any, path: str) -> Iterator[WrongName | WrongKind]:
    if isinstance(value, Secret):
        value = value.value
    if isinstance(value, dict):
        # A list type beside a dict value is the SDK's shorthand for one item; the value shape is AWS's to judge.
        nested = _nested_classes(hint)
        if nested:
            yield from _wrong_names(nested, value, f"{path}.")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _wrong_in(hint, item, f"{path}[{index}]")
    elif isinstance(value, str | int | float) and _only_objects(hint):
        keys = tuple(name for cls in _nested_classes(hint) for name in _input_types(cls))
        yield WrongKind(path, value, keys)


@cache
def _nested_classes(hint: Any) -> tuple[type, ...]:
    """The args classes inside `Sequence[Union[XArgs, Awaitable[XArgs], …]]` and the like; none for open maps."""
    if isinstance(hint, type) and _types.is_input_type(hint):
        return (hint,)
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType) or (
        isinstance(origin, type) and issubclass(origin, Sequence | Awaitable | pulumi.Output)
    ):
        found = [cls for argument in typing.get_args(hint) for cls in _nested_classes(argument)]
        return tuple(dict.fromkeys(found))
    return ()


@cache
def _only_objects(hint: Any) -> bool:
    """Whether every value of this type is an object of an args class: no text, no number, no list."""
    if isinstance(hint, type):
        return _types.is_input_type(hint) or hint is type(None)
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType) or (
        isinstance(origin, type) and issubclass(origin, Awaitable | pulumi.Output)
    ):
        return bool(_nested_classes(hint)) and all(_only_objects(each) for each in typing.get_args(hint))
    return False


@cache
def _return_hints(cls: type) -> dict[str, Any]:
    """The types of a resource's outputs, as they are written: the SDK's public way to them drops `Optional`."""
    if hasattr(_types, "_raw_return_hints"):
        return _types._raw_return_hints(cls)  # noqa: SLF001
    # Before 3.270 or so the SDK has no such function.
    scope = {
        name: value for base in reversed(cls.__mro__) for name, value in vars(sys.modules[base.__module__]).items()
    }
    own = {"Output": pulumi.Output, "T": type(None)}
    hints = {
        name: typing.get_type_hints(one.fget, scope, own).get("return")
        for _, name, one in _types._py_properties(cls)  # noqa: SLF001
    }
    return {name: hint for name, hint in hints.items() if hint is not None}


@cache
def output_names(token: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names of a type's outputs: those that always have a value, and those that may be absent."""
    cls = resource_class(token)
    if cls is None:
        return frozenset(), frozenset()
    hints = _return_hints(cls)
    optional = frozenset(name for name, hint in hints.items() if _is_optional(hint))
    return frozenset(hints) - optional, optional


@cache
def texts(token: str) -> frozenset[str]:
    """The names of a type's properties that are a text in the end; a policy may be given as an object all the same."""
    cls = resource_class(token)
    hints = _return_hints(cls) if cls is not None else {}
    return frozenset(name for name, hint in hints.items() if any(map(_is_text, typing.get_args(hint))))


def is_text(token: str, name: str) -> bool:
    """Whether this property is a text in the end."""
    return name in texts(token)


@cache
def named(token: str) -> bool:
    """Whether the provider names such a resource where nobody does: there is always a name in the end."""
    cls, args = resource_class(token), _args_class(token)
    if cls is None or args is None:
        return False
    hint = _return_hints(cls).get("name")
    given = typing.get_type_hints(args.__init__).get("name") if hint is not None else None
    return (
        _is_text(next(iter(typing.get_args(hint)), None))
        and not _is_optional(hint)
        and type(None) in typing.get_args(given)
    )


def _is_text(hint: Any) -> bool:
    """Whether `str`, or `Optional[str]`."""
    return hint is str or (typing.get_origin(hint) in (typing.Union, types.UnionType) and str in typing.get_args(hint))


def _is_optional(hint: Any) -> bool:
    """Whether `Output[Optional[X]]`."""
    arguments = typing.get_args(hint)
    return any(argument is type(None) or type(None) in typing.get_args(argument) for argument in arguments)
