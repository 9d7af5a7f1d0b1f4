"""What the installed pulumi-aws says about property names: a misspelt one in a rule or an example disables the rule."""

from __future__ import annotations

import importlib
import typing
import warnings
from functools import cache
from typing import Any

import pulumi
from pulumi import _types


@cache
def args_class(type_: str) -> type:
    """The class of a resource's arguments."""
    if type_ == "pulumi:providers:aws":
        return importlib.import_module("pulumi_aws").ProviderArgs
    _, place, name = type_.split(":")
    module = place.partition("/")[0]
    with warnings.catch_warnings():
        # The deprecated classes of a service complain as soon as the service is imported.
        warnings.simplefilter("ignore", DeprecationWarning)
        service = importlib.import_module(f"pulumi_aws.{'lambda_' if module == 'lambda' else module}")
        # Where a nested block has the usual name (s3.BucketVersioningArgs), the resource's own arguments have this one.
        return getattr(service, f"{name}InitArgs", None) or getattr(service, f"{name}Args")


def wrong_keys(args: type, props: dict[str, Any], path: str = "") -> list[str]:
    """The keys in `props`, at any depth, that the class does not know."""
    known = {camel: snake for snake, camel in _types.input_type_py_to_pulumi_names(args).items()}
    wrong: list[str] = []
    for key, value in props.items():
        where = f"{path}.{key}".lstrip(".")
        if key not in known:
            wrong.append(f"{args.__name__}: {where}")
            continue
        nested = _nested_class(args, known[key])
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and nested is not None:
                wrong += wrong_keys(nested, item, where)
            elif isinstance(item, dict) and not _is_mapping(args, known[key]):
                wrong.append(f"{args.__name__}: {where} is no block")
    return wrong


def has_path(type_: str, path: str) -> bool:
    """Whether a dotted path names a property; `*` stands for the elements of a list."""
    args: type | None = args_class(type_)
    for key in path.split("."):
        if key == "*":
            continue
        names = _types.input_type_py_to_pulumi_names(args) if args else {}
        snake = next((snake for snake, camel in names.items() if camel == key), None)
        if snake is None or args is None:
            return False
        args = _nested_class(args, snake)
    return True


def _hint(args: type, snake: str) -> Any:
    getter = getattr(args, snake).fget
    module = importlib.import_module(args.__module__)
    # `pulumi.Input[T]` holds the names Output and T, which only the SDK's own module knows.
    return typing.get_type_hints(getter, vars(module) | {"Output": pulumi.Output, "T": object})["return"]


def _nested_class(args: type, snake: str) -> type | None:
    return next((each for each in _classes(_hint(args, snake)) if _types.is_input_type(each)), None)


def _is_mapping(args: type, snake: str) -> bool:
    return "Mapping" in str(_hint(args, snake))


def _classes(hint: Any) -> list[type]:
    if isinstance(hint, type) and not typing.get_args(hint):
        return [hint]
    return [found for argument in typing.get_args(hint) for found in _classes(argument)]
