"""The one way in which a component gives options to its children, and lets a caller change their properties.

A caller who needs a property that a component does not offer passes `transform`:

    Vpc(name, VpcArgs(transform={"vpc": {"enable_network_address_usage_metrics": True}}))
    Vpc(name, VpcArgs(transform={"subnet": lambda properties: {**properties, "enable_dns64": True}}))

A mapping is laid over the child's properties (tags are merged, everything else replaced); a function gets the
properties and returns the new ones. The names of children and properties are checked, so that a typo cannot
silently change nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pulumi

from .errors import ArgumentError, nearest

Properties = Mapping[str, Any]
"""The properties of one child, under the names that its class takes as arguments."""

Transform = Mapping[str, Properties | Callable[[Properties], Properties]]
"""For each named child, what to lay over its properties."""


class Children:
    """Makes the options of a component's children: the parent, and the caller's transform of each."""

    def __init__(self, component: pulumi.ComponentResource, transform: Transform, names: Collection[str]) -> None:
        for name in transform:
            if name not in names:
                raise ArgumentError(
                    "transform", name, f"is not a child of this component; {nearest(name, names)}use {_list(names)}"
                )
        self._component = component
        self._transform = transform
        self._names = names

    def __call__(self, child: str, **options: Any) -> pulumi.ResourceOptions:
        """Options for the child of this name; `options` are Pulumi's own, such as `protect` and `depends_on`."""
        if child not in self._names:
            raise KeyError(f"{child} is not listed among the children of {type(self._component).__name__}")
        change = self._transform.get(child)
        transformations = [] if change is None else [_transformation(child, change)]
        return pulumi.ResourceOptions(parent=self._component, transformations=transformations, **options)


def _transformation(
    child: str, change: Properties | Callable[[Properties], Properties]
) -> pulumi.ResourceTransformation:
    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        before: dict[str, Any] = dict(args.props)
        after = dict(change(before) if callable(change) else {**before, **change})
        # `_internal_init` is where every generated class lists the arguments that it takes, and only those.
        takes = inspect.signature(getattr(type(args.resource), "_internal_init")).parameters  # noqa: B009 generated
        for name in after.keys() - before.keys() | (change.keys() if not callable(change) else set()):
            if name not in takes or name in {"resource_name", "opts"}:
                raise ArgumentError(
                    f"transform.{child}",
                    name,
                    f"is not an argument of {args.type_}; {nearest(name, takes)}".rstrip("; "),
                )
        if not callable(change) and change.get("tags") and before.get("tags"):
            after["tags"] = {**before["tags"], **change["tags"]}
        return pulumi.ResourceTransformationResult(after, args.opts)

    return transform


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
