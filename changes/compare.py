"""What a change does to each resource, from two sides and the facts about the provider."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from changes.facts import Effect, fact
from changes.model import ORDER, Change, Kind, PropertyChange, Resource, Side
from changes.stores import REPLACED, RESTARTS
from rehearsal.differences import ABSENT, ARCHIVE, Difference, differences, folded, paths_to, texts_in, written
from rehearsal.marks import REDACTED

_EMPTY: Final = (ABSENT, None, "", False, 0, [], {})
_NAMES: Final = (
    "name",
    "bucket",
    "identifier",
    "clusterIdentifier",
    "replicationGroupId",
    "domainName",
)
_GONE_MEANWHILE: Final = "deleted before the new one is made, since both have one name: gone meanwhile"
_SHORTEST: Final = 6
"""Characters that a text needs to be told from others by itself."""
_IN_ACCOUNT: Final = re.compile(r"arn:[\w-]+:[^:]*:[^:]*:(\d{12}):")
_KIND_OF: Final[Mapping[Effect, Kind]] = {
    "replace": "replace",
    "may-replace": "may-replace",
    "unknown": "unknown",
    "in-place": "update",
    "none": "update",
}
_WORSE: Final = {kind: position for position, kind in enumerate(reversed(ORDER))}


def compare(before: Side, after: Side) -> list[Change]:
    """The changes that a deployment of `after` over `before` makes, the worst first; nothing for what stays."""
    return _Comparison(before, after).changes()


class _Comparison:
    def __init__(self, before: Side, after: Side) -> None:
        self._old = {urn: one for urn, one in before.resources.items() if _is_made(one)}
        self._new = {urn: one for urn, one in after.resources.items() if _is_made(one)}
        self._pairs = dict(_pairs(self._old, self._new))
        # The engine hashes an archive in a way of its own.
        self._archives = before.report is not None and after.report is not None
        self._changes: dict[str, Change] = {}

    def changes(self) -> list[Change]:
        paired = set(self._pairs.values())
        for urn, one in self._new.items():
            if urn not in self._pairs and not _is_read(one):
                self._changes[urn] = Change(urn, one.type, one.name, "create")
        for urn, one in self._old.items():
            if urn not in paired and not _is_read(one):
                self._changes[urn] = Change(urn, one.type, one.name, "delete")
        for new, old in self._pairs.items():
            change = self._change(self._old[old], self._new[new])
            if change is not None:
                self._changes[new] = change
        self._follow()
        for change in self._changes.values():
            change.means += _meanings(change)
        return sorted(self._changes.values(), key=lambda one: (ORDER.index(one.kind), one.urn))

    def _change(self, old: Resource, new: Resource) -> Change | None:
        renamed = old.urn != new.urn
        if not old.custom:
            # What a component is made of has changes of its own.
            return Change(new.urn, new.type, new.name, "rename", was=old.urn) if renamed else None
        found = [self._property(old, new, one) for one in self._differences(old, new)]
        properties = [one for one in found if one is not None]
        if old.type != new.type:
            properties.append(PropertyChange("type", old.type, new.type, "replace", "another type"))
        if (
            old.region
            and new.region
            and old.region != new.region
            and not any(one.path == "region" for one in properties)
        ):
            properties.append(PropertyChange("region", old.region, new.region, "replace", "another region"))
        if not properties and not renamed:
            return None
        change = Change(new.urn, new.type, new.name, "rename" if renamed else "update", properties)
        change.was = old.urn if renamed else ""
        _settle(change)
        return change

    def _differences(self, old: Resource, new: Resource) -> Iterator[Difference]:
        for one in differences(_said(old, new), _said(new, old)):
            if any(_covers(path, one.path) for path in new.ignore_changes):
                continue
            if not self._archives and all(
                isinstance(each, str) and each.startswith(ARCHIVE) for each in (one.old, one.new)
            ):
                continue
            yield one

    def _property(self, old: Resource, new: Resource, one: Difference) -> PropertyChange | None:
        if one.old in _EMPTY and one.new in _EMPTY:
            return None
        if REDACTED in (one.old, one.new) and ABSENT not in (one.old, one.new):
            # One side says that it is a secret: what the other says must not be told either.
            return None
        known = fact(new.type, one.path, new.inputs)
        effect, source = known.effect, known.source
        if any(_covers(path, one.path) for path in new.replace_on_changes):
            effect, source = "replace", "the program's replace_on_changes"
        elif one.new is ABSENT and known.keeps:
            # The program no longer says what it is, and the provider leaves it.
            return None
        elif one.old is ABSENT and effect in ("replace", "may-replace") and len(one.path) == 1:
            there = old.outputs.get(str(one.path[0]), ABSENT)
            if there == one.new:
                return None
        elif one.order_only and effect == "replace":
            effect, source = "may-replace", f"{source}; only the order differs, which sets do not have"
        return PropertyChange(one.written(), _shown(one.old), _shown(one.new), effect, source)

    # What follows.

    def _follow(self) -> None:
        """A replaced resource has other ids: whatever carries one of them changes too, and what that replaces."""
        waiting = [urn for urn, change in self._changes.items() if change.kind in ("replace", "may-replace")]
        certain = {urn for urn in waiting if self._changes[urn].kind == "replace"}
        done: set[str] = set()
        while waiting:
            urn = waiting.pop(0)
            if urn in done or urn not in self._new:
                continue
            done.add(urn)
            first = self._is_deleted_first(urn)
            if first and _GONE_MEANWHILE not in self._changes[urn].means:
                self._changes[urn].means.append(_GONE_MEANWHILE)
            for dependent, properties in self._carriers(self._new[urn], first=first, sure=urn in certain):
                change = self._changes.setdefault(
                    dependent.urn, Change(dependent.urn, dependent.type, dependent.name, "update")
                )
                if change.kind == "create":
                    continue
                before = change.kind
                known = {one.path for one in change.properties}
                change.properties += [one for one in properties if one.path not in known]
                _settle(change)
                if dependent.urn not in self._changes[urn].follows:
                    self._changes[urn].follows.append(dependent.urn)
                if change.kind in ("replace", "may-replace") and (change.kind != before or dependent.urn not in done):
                    if change.kind == "replace":
                        certain.add(dependent.urn)
                        done.discard(dependent.urn)
                    waiting.append(dependent.urn)
        self._changes = {urn: one for urn, one in self._changes.items() if one.kind != "update" or one.properties}
        for change in self._changes.values():
            change.follows = self._all_that_follows(change)

    def _all_that_follows(self, change: Change) -> list[str]:
        found: dict[str, None] = {}
        waiting = list(change.follows)
        while waiting:
            urn = waiting.pop(0)
            if urn not in found and urn != change.urn:
                found[urn] = None
                waiting += self._changes[urn].follows if urn in self._changes else []
        return list(found)

    def _is_deleted_first(self, urn: str) -> bool:
        """Whether the old one must go before the new one can come: the bridge has it so for names that stay."""
        old, new = self._old[self._pairs[urn]], self._new[urn]
        name = physical_name(new)
        return new.delete_before_replace or bool(name and name == physical_name(old) and not _is_made_up(new, name))

    def _carriers(
        self, replaced: Resource, *, first: bool, sure: bool
    ) -> Iterator[tuple[Resource, list[PropertyChange]]]:
        """What changes with it, and where. What cannot do without it has to go `first` as well."""
        other = _others_when_replaced(replaced)
        for one in self._new.values():
            keys = [key for key, urns in one.property_dependencies.items() if replaced.urn in urns]
            if not keys or not one.custom or one.urn not in self._pairs:
                continue
            properties: list[PropertyChange] = []
            for key in keys:
                value = one.inputs.get(key)
                carrying = set(paths_to(value, lambda text: any(token in text for token in other), (key,)))
                bound = set(paths_to(value, bool, (key,))) if first and not carrying else set[tuple[str | int, ...]]()
                for path in sorted(carrying | bound, key=str):
                    if any(_covers(ignored, path) for ignored in one.ignore_changes):
                        continue
                    known = fact(one.type, path, one.inputs)
                    effect: Effect = known.effect
                    if effect == "none" or (path not in carrying and effect != "replace"):
                        continue
                    if effect == "replace" and not sure:
                        effect = "may-replace"
                    source = f"{known.source}; follows from the replacement of {replaced.name}"
                    properties.append(
                        PropertyChange(
                            written(path), _at(one.inputs, path), "(known after the replacement)", effect, source
                        )
                    )
            if properties:
                yield one, properties


_OWN_NAMES: Final = ("pulumi:pulumi:Stack", "pulumi:pulumi:StackReference")


def _is_made(one: Resource) -> bool:
    return not one.type.startswith("pulumi:providers:") and one.type not in _OWN_NAMES


def _is_read(one: Resource) -> bool:
    """Whether the stack only looks at it: it is neither made nor deleted. A component has no id."""
    return not one.custom and bool(one.id)


def _pairs(old: Mapping[str, Resource], new: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    """Each new URN with the old one of the same resource: its own, or one of its aliases."""
    taken: set[str] = set()
    for urn in new:
        if urn in old:
            taken.add(urn)
            yield urn, urn
    for urn, one in new.items():
        alias = next((alias for alias in one.aliases if alias in old and alias not in taken), None)
        if urn not in old and alias is not None:
            taken.add(alias)
            yield urn, alias


def _said(one: Resource, other: Resource) -> dict[str, Any]:
    """The inputs as the program gives them: without names that were made up, and what the provider filled in."""
    tagged = one.inputs.get("tags") != other.inputs.get("tags") or "tagsAll" not in other.inputs
    return {
        key: value
        for key, value in one.inputs.items()
        if not key.startswith("__")
        and value is not None
        and not (key == "tagsAll" and tagged)
        and key not in one.defaulted
        and not (key in other.defaulted and key not in one.inputs)
        and not (_is_made_up(one, value) and _is_generated(other, key))
    }


def _is_made_up(one: Resource, value: Any) -> bool:
    """Whether it is a name that Pulumi made: the resource's own with a suffix."""
    return isinstance(value, str) and value.endswith(f"-{_suffix(one.urn)}")


def _is_generated(one: Resource, key: str) -> bool:
    value = one.inputs.get(key)
    return key in one.defaulted or value is None or _is_made_up(one, value)


def _suffix(urn: str) -> str:
    """As the rehearsal makes it, where the engine draws one."""
    return hashlib.sha256(urn.encode()).hexdigest()[:7]


def _covers(ignored: str, path: Sequence[str | int]) -> bool:
    if ignored == "*":
        return True
    steps = [step for step in re.split(r"[.\[\]]+", ignored) if step and step != "*"]
    return [str(step) for step in path if not isinstance(step, int)][: len(steps)] == steps


def physical_name(one: Resource) -> str:
    """What AWS knows it by, as far as the program or Pulumi names it."""
    found = (one.inputs.get(key) for key in _NAMES if not one.property_dependencies.get(key))
    return next((name for name in found if isinstance(name, str) and name), "") if one.custom else ""


def _settle(change: Change) -> None:
    """The worst of its properties is what happens to it."""
    kinds: list[Kind] = [_KIND_OF[one.effect] for one in change.properties]
    if change.was:
        kinds.append("rename")
    if kinds:
        change.kind = max(kinds, key=lambda kind: _WORSE[kind])


def _meanings(change: Change) -> list[str]:
    if change.kind in ("replace", "may-replace") and change.type in REPLACED:
        return [REPLACED[change.type]]
    names = {one.path.split(".")[0].split("[")[0] for one in change.properties if one.effect == "in-place"}
    restarts = sorted(names & RESTARTS.get(change.type, frozenset()))
    return [f"a restart ({', '.join(restarts)})"] if restarts and change.kind == "update" else []


def _others_when_replaced(one: Resource) -> list[str]:
    """The texts that a new resource in its place would not have: ids and addresses that AWS draws, names made up."""
    said = set(texts_in(one.inputs))
    made_up = {text for text in said if _is_made_up(one, text)}
    given = said - made_up
    drawn = {one.id} if one.id and one.id not in given and not _from_names(one.id, given) else set[str]()
    drawn |= made_up
    for text in texts_in({key: value for key, value in one.outputs.items() if key not in one.inputs}):
        if (text not in given and not text.startswith("[") and not _from_names(text, given)) or any(
            token in text for token in made_up
        ):
            drawn.add(text)
    return sorted(text for text in drawn if len(text) >= _SHORTEST)


def _from_names(text: str, given: set[str]) -> bool:
    """An ARN, a URL or a path that ends in a name which the program gives is the same for a new resource."""
    return any(text.endswith(name) and not text[: -len(name)][-1:].isalnum() for name in given if len(name) > 2)


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = value[step]
    return _shown(folded(value))


def _shown(value: Any) -> Any:
    return None if value is ABSENT else value


def with_ids_of(after: Side, before: Side) -> Side:
    """`before` with the ids of `after` for the resources that both have.

    A rehearsal makes the same ids for the same URNs; an account has ids of its own. What differs because the program
    gives another name is no such id: it is the change that is looked for.
    """
    olds, news = before.resources, after.resources
    pairs = [(olds[old], news[new]) for new, old in _pairs(olds, news)]
    ids: dict[str, str] = {}
    was, is_ = (_account(side.resources.values()) for side in (before, after))
    if was and is_ and was != is_:
        ids[was] = is_
    account = _Replacing(ids)
    gone, come = set[str](), set[str]()
    for old, new in pairs:
        texts = account.of(dict(_given(old))), dict(_given(new))
        for one, names, own, others in ((old, gone, *texts), (new, come, *reversed(texts))):
            names |= {name for key, name in own.items() if others.get(key) != name and _is_part_of(one, key, name)}
    for old, new in pairs:
        for key in ["id", *sorted(old.outputs.keys() & new.outputs.keys())]:
            was, is_ = (one.id if key == "id" else one.outputs[key] for one in (old, new))
            if key in new.inputs and key in old.inputs and not _is_made_up(new, is_):
                continue
            if not isinstance(was, str) or not isinstance(is_, str) or was == is_ or "" in (was, is_):
                continue
            was_here = account.of(was)
            if was_here != is_ and not _contains(was_here, gone) and not _contains(is_, come):
                ids.setdefault(was, is_)
    if not ids:
        return before
    same = _Replacing(ids)
    return replace(
        before,
        resources={
            urn: replace(one, id=same.of(one.id), inputs=same.of(one.inputs), outputs=same.of(one.outputs))
            for urn, one in olds.items()
        },
    )


def _account(resources: Iterable[Resource]) -> str:
    """The account that a side lies in, by the ARNs of what is in it."""
    found = Counter(match[1] for one in resources if (match := _IN_ACCOUNT.match(str(one.outputs.get("arn", "")))))
    return found.most_common(1)[0][0] if found else ""


def _given(one: Resource) -> Iterator[tuple[str, str]]:
    """The texts that the program says itself, such as names; not those that come from other resources."""
    for key, value in one.inputs.items():
        own = key not in one.defaulted and not one.property_dependencies.get(key)
        if own and isinstance(value, str) and len(value) > 2 and not _is_made_up(one, value):
            yield key, value


def _is_part_of(one: Resource, key: str, name: str) -> bool:
    """Whether AWS knows the resource by a text that the program gives: by its id, an ARN or an address."""
    others = (value for other, value in one.outputs.items() if other != key and other not in one.inputs)
    return name in one.id or any(isinstance(value, str) and name in value for value in others)


def _contains(text: str, names: set[str]) -> bool:
    return any(name in text for name in names)


class _Replacing:
    """Puts texts for others, the longest that fits at each place. Thousands of texts stay quick: by their heads."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = {text: token for text, token in tokens.items() if len(text) >= _SHORTEST and text[0] != "["}
        lengths: dict[str, set[int]] = defaultdict(set)
        for text in self._tokens:
            lengths[text[:_SHORTEST]].add(len(text))
        self._lengths = {head: sorted(found, reverse=True) for head, found in lengths.items()}

    def of(self, value: Any) -> Any:
        if not self._tokens:
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {key: self.of(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.of(one) for one in value]
        return value

    def _text(self, text: str) -> str:
        parts: list[str] = []
        done = position = 0
        while position <= len(text) - _SHORTEST:
            lengths = self._lengths.get(text[position : position + _SHORTEST], ())
            found = next((n for n in lengths if text[position : position + n] in self._tokens), 0)
            if found:
                parts += [text[done:position], self._tokens[text[position : position + found]]]
                done = position = position + found
            else:
                position += 1
        return "".join([*parts, text[done:]]) if parts else text


def renamed(side: Side, other: Side) -> Side:
    """`side` under the names of the other stack: what two stacks differ in beside what they are called."""
    words = [
        (f"urn:pulumi:{side.stack}::{side.project}::", f"urn:pulumi:{other.stack}::{other.project}::"),
        *((f"{side.project}{sign}{side.stack}", f"{other.project}{sign}{other.stack}") for sign in "-/_"),
    ]

    def urn_of(urn: str) -> str:
        for old, new in words:
            urn = urn.replace(old, new)
        return urn

    made_up = _Replacing({f"-{_suffix(urn)}": f"-{_suffix(urn_of(urn))}" for urn in side.resources})

    def of(value: Any) -> Any:
        if isinstance(value, str):
            value = made_up.of(urn_of(value))
            return other.stack if value == side.stack else value
        if isinstance(value, Mapping):
            return {of(key): of(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(of(one) for one in value)
        return value

    resources = [
        replace(
            one,
            urn=of(one.urn),
            name=of(one.name),
            inputs=of(one.inputs),
            outputs=of(one.outputs),
            id=of(one.id),
            depends_on=of(one.depends_on),
            property_dependencies=of(one.property_dependencies),
            aliases=of(one.aliases),
        )
        for one in side.resources.values()
    ]
    return replace(side, resources={one.urn: one for one in resources})
