"""A resource as rules see it, the graph of all of them, and what is found wrong with one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from guardrails import types
from guardrails.kit.values import UNKNOWN, Items, NotYetKnown, Props

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from guardrails.kit.stack import Stack


def kind_of(type_: str) -> str:
    """The type a rule names: S3's deprecated `…V2` twins and `aws:alb/…` are the same things under other names."""
    if type_.startswith("aws:alb/"):
        return "aws:lb/" + type_.removeprefix("aws:alb/")
    if type_.startswith("aws:s3/") and type_.endswith("V2"):
        module, _, name = type_.partition(":")[2].partition(":")
        return f"aws:{module.removesuffix('V2')}:{name.removesuffix('V2')}"
    return type_


@dataclass(frozen=True, kw_only=True)
class Provider:
    """The provider a resource is made with."""

    type: str
    props: Props

    @property
    def region(self) -> str | None:
        """The region; raises NotYetKnown."""
        return self.props.text("region") or None

    @cached_property
    def default_tags(self) -> Any:
        """The tags given to every resource: a mapping, UNKNOWN, or None."""
        value = self.props.maybe("defaultTags")
        if isinstance(value, str):
            # A provider's nested settings travel as JSON text.
            value = Props(json.loads(value))
        return value.maybe("tags") if isinstance(value, Props) else value


class Tags:
    """Every tag the resource will carry: its own and those of the provider."""

    def __init__(self, sources: Iterable[Any]) -> None:
        self._values: dict[str, Any] = {}
        self._complete = True
        for source in sources:
            if source is UNKNOWN:
                self._complete = False
            elif isinstance(source, Props):
                self._values.update(source.raw)

    def get(self, key: str) -> str | None:
        """The tag's value, None if there is no such tag; raises NotYetKnown."""
        if key not in self._values and not self._complete:
            raise NotYetKnown("tags")
        value = self._values.get(key)
        if value is UNKNOWN:
            raise NotYetKnown(f"tags.{key}")
        return value if isinstance(value, str) else None

    def has(self, key: str) -> bool:
        """Whether the tag is there and not empty; true for a value that is not known yet."""
        return self._values.get(key) is UNKNOWN or bool(self.get(key))


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource: its inputs while it is checked alone, inputs and outputs together in the graph."""

    type: str
    name: str
    urn: str
    props: Props
    inputs: Props
    """What the program wrote. Security groups and buckets repeat the blocks of other resources in their outputs."""

    parent: str = ""
    protect: bool = False
    provider: Provider | None = None
    dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """For each property, the URNs its value comes from: known even while the value is not."""

    after: frozenset[str] = frozenset()
    """The URNs of what is made before it: of its dependencies, and of what the program says beside."""

    secrets: frozenset[str] = frozenset()
    """The texts that no message may show."""

    @cached_property
    def kind(self) -> str:
        return kind_of(self.type)

    @cached_property
    def tags(self) -> Tags:
        own = self.props.maybe("tags")
        if isinstance(own, Items):
            own = _tag_list(own.blocks())
        default = self.provider.default_tags if self.provider else None
        return Tags((default, own, self.props.maybe("tagsAll")))

    def region(self, stack: Stack) -> str | None:
        """Where the resource will be; None if nothing says; raises NotYetKnown."""
        return self.props.text("region") or (self.provider.region if self.provider else None) or stack.region

    @cached_property
    def identifiers(self) -> frozenset[str]:
        """What another resource may call this one when it does not pass on an output."""
        keys = ("id", "arn", "bucket" if self.kind == types.S3_BUCKET else "name")
        values = (self.props.maybe(key) for key in keys)
        return frozenset(value for value in values if isinstance(value, str) and value)


def _tag_list(blocks: Iterator[Props]) -> Any:
    """Auto scaling groups write tags as a list of key and value."""
    try:
        return Props({block.text("key"): block.maybe("value") for block in blocks})
    except NotYetKnown:
        return UNKNOWN


@dataclass
class _Links:
    """The resources of one type, by the URN or the name that one property of theirs gives."""

    by_target: dict[str, list[Resource]] = field(default_factory=dict[str, "list[Resource]"])
    some_open: bool = False
    """Whether one of them points somewhere that cannot be told yet."""


class Graph:
    """All resources of the stack and what refers to what."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)
        self.by_urn = {resource.urn: resource for resource in self.resources}
        self._by_kind: dict[str, list[Resource]] = {}
        for resource in self.resources:
            self._by_kind.setdefault(resource.kind, []).append(resource)
        self._links: dict[tuple[str, str], _Links] = {}
        self._before: dict[str, frozenset[str]] = {}

    def before(self, resource: Resource) -> frozenset[str]:
        """The URNs of all that is made before this resource."""
        if resource.urn not in self._before:
            found: set[str] = set()
            waiting = [resource.urn]
            while waiting:
                one = self.by_urn.get(waiting.pop())
                if one is None:
                    continue
                # A component's children wait for what it waits for.
                above = {one.parent} if one.parent in self.by_urn else set[str]()
                nearest = one.after.union(above, *one.dependencies.values()) - found
                found |= nearest
                waiting += nearest
            self._before[resource.urn] = frozenset(found)
        return self._before[resource.urn]

    def of_kind(self, *kinds: str) -> Iterator[Resource]:
        return (resource for kind in kinds for resource in self._by_kind.get(kind, ()))

    def children(self, parent: Resource, *kinds: str, via: str) -> list[Resource]:
        """The resources of `kinds` whose property `via` names `parent`.

        Property dependencies decide, because they are known at the first preview; a value without one (a bucket given
        by its literal name) is compared with the parent's id, ARN and name. Raises NotYetKnown if there are none but
        a resource of these kinds points somewhere that cannot be told yet.
        """
        found = self.known_children(parent, *kinds, via=via)
        if not found and any(self._links_of(kind, via).some_open for kind in kinds):
            raise NotYetKnown(via)
        return found

    def known_children(self, parent: Resource, *kinds: str, via: str) -> list[Resource]:
        """As `children`, for rules that accuse a child for being there: what cannot be told yet is left out."""
        found: dict[str, Resource] = {}
        for kind in kinds:
            links = self._links_of(kind, via)
            for key in (parent.urn, *parent.identifiers):
                found.update((child.urn, child) for child in links.by_target.get(key, ()))
        return list(found.values())

    def targets(self, resource: Resource, kind: str, *, via: str) -> list[Resource]:
        """The resources of `kind` that `resource` names in its property `via`, as far as it can be told."""
        urns = resource.dependencies.get(via.partition(".")[0], ())
        found = [self.by_urn[urn] for urn in urns if urn in self.by_urn and self.by_urn[urn].kind == kind]
        return found or [each for text in _texts(resource.props.maybe(via)) for each in self.named(text, kind)]

    def named(self, identifier: str, kind: str) -> list[Resource]:
        """The resources of `kind` with this id, ARN or name."""
        return [each for each in self._by_identifier.get(identifier, ()) if each.kind == kind]

    @cached_property
    def _by_identifier(self) -> dict[str, list[Resource]]:
        index: dict[str, list[Resource]] = {}
        for resource in self.resources:
            for identifier in resource.identifiers:
                index.setdefault(identifier, []).append(resource)
        return index

    def _links_of(self, kind: str, via: str) -> _Links:
        if (kind, via) not in self._links:
            links = _Links()
            for child in self.of_kind(kind):
                targets = child.dependencies.get(via.partition(".")[0], ())
                if not targets:
                    value = child.props.maybe(via)
                    targets = tuple(_texts(value))
                    links.some_open |= value is UNKNOWN or (isinstance(value, Items) and value.some_unknown)
                for target in targets:
                    links.by_target.setdefault(target, []).append(child)
            self._links[kind, via] = links
        return self._links[kind, via]


def _texts(value: Any) -> Iterator[str]:
    """The texts that are known in a value or in a list of them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Items):
        yield from value.known_texts()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something wrong, and with which resource."""

    message: str
    urn: str = ""
