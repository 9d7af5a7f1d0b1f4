"""Which actions a type takes to create, read, update and delete, and who says so.

The sources: the handlers of AWS's own schemas (as cfn-lint ships them), the calls that the rehearsal recorded, the
provider's table (provider.json), AWS's list of what an action depends on and of what sets tags, and `besides`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from permissions.actions import depends_on, only_reads, spelt, that_tag
from permissions.besides import BESIDES, NOT_NEEDED, Phase
from permissions.calls import action_of

_FILE: Final = Path(__file__).with_name("provider.json")
_HANDLERS: Final[Mapping[str, Phase]] = {"create": "create", "read": "read", "update": "update", "delete": "delete"}
_TABLE: Final[Mapping[str, Phase]] = {
    "plan": "read",
    "measured": "create",
    "apply": "create",
    "modify": "update",
    "changed": "update",
    "destroy": "delete",
    "undone": "delete",
}
_SEEN: Final = ("measured", "changed", "undone")
"""What the provider itself was seen to call, in its log or its code."""
_PASSES: Final = re.compile(r"[\w-]+:PassConnection")
"""Called a read by AWS, and no part of looking at anything."""
_GIVE_ROLE: Final = "iam:PassRole"
LINK: Final = "iam:CreateServiceLinkedRole"


@dataclass(frozen=True)
class Fact:
    """An action that a resource needs, when, and who says so."""

    action: str
    phase: Phase
    source: str
    certain: bool
    """Whether it is known of such a resource with such inputs, and not only of its type."""


@dataclass(frozen=True)
class Known:
    """What is known of a resource: its actions, and whether its service makes a role of its own."""

    facts: Sequence[Fact]
    own: str
    """The service's prefix."""
    links: bool


def known(
    type_: str,
    inputs: Mapping[str, Any],
    calls: Sequence[Mapping[str, Any]],
    refers_to: set[str],
    arns: Sequence[str] = (),
) -> Known:
    """The facts of a resource with these inputs, `calls` of the rehearsal, references to these services and `arns`.

    An action of another service than the type's own counts where the resource refers to a thing of that service, or
    where the provider's table ties it to an input that is given.
    """
    recorded = [one for one in calls if one["service"] != "sts"]
    own = _own(type_, recorded)
    found: dict[tuple[str, Phase], tuple[str, bool]] = {}
    links = False

    def add(action: str, phase: Phase, source: str, *, certain: bool = False, looks_again: bool = False) -> None:
        nonlocal links
        if action == LINK:
            links = True
            return
        if action == _GIVE_ROLE or any(action.startswith(one) for one in NOT_NEEDED.get(type_, ())):
            return
        reads = only_reads(action) and not _PASSES.fullmatch(action) and not looks_again
        found.setdefault((action, "read" if reads else phase), (source, certain))

    for one in recorded:
        action = action_of(one["service"], one["operation"])
        if action is not None:
            add(action, "create", f"the rehearsal's call {one['operation']}", certain=True)
    table = _table().get(type_, {})
    listed = set(_flat(table))
    shared = _is_part(type_)
    destroyed = {one for one in table.get("destroy", ()) if not only_reads(one)}
    for key, phase in _TABLE.items():
        for action in table.get(key, ()):
            if _is_foreign(action, own, refers_to):
                continue
            undoes = action in destroyed if destroyed else _undoes(action)
            made_undone = key in ("apply", "modify") and undoes
            reads = only_reads(action) or key in _SEEN
            add(action, "delete" if made_undone else phase, f"the provider ({key})", certain=reads)
    for name, actions in table.get("attributes", {}).items():
        if _is_given(name, inputs):
            for action in actions:
                if not (action.startswith("iam:") and action not in (_GIVE_ROLE, LINK, "iam:GetRole")):
                    # Encryption may be by AWS's own key: only an input that is a key tells of one.
                    certain = not action.startswith("kms:") or re.search(r"kms|key", name) is not None
                    add(action, "create", f"the provider (where {name} is given)", certain=certain)
    for handler, actions in _handlers(type_).items():
        for action in actions:
            if _is_foreign(action, own, refers_to):
                continue
            # One schema for several of the provider's types: what the others do is theirs.
            if shared and action not in (LINK, _GIVE_ROLE) and action not in listed:
                continue
            add(action, _HANDLERS[handler], f"AWS's schema ({handler})")
    for action, _phase in list(found):
        if action.startswith("iam:"):
            continue
        for one in depends_on(action):
            if one == LINK or (one.partition(":")[0] != own and not _is_foreign(one, own, refers_to)):
                add(one, "create", f"AWS's list of what {action} depends on")
    for one in BESIDES:
        if one.type == type_ and one.where(inputs):
            for action in one.actions:
                # Whether there is a key the resource itself does not say: a bucket encrypts its objects by its own.
                certain = not action.startswith("kms:")
                # What is read only to delete is no part of a preview.
                add(action, one.phase, one.source, certain=certain, looks_again=one.phase == "delete")
    for arn in arns if inputs.get("tagsAll") else ():
        # Not what it tells of others, such as its role. EC2's tags have conditions of their own (needs.py), API
        # Gateway's are methods of its API.
        service = arn.split(":")[2]
        for action in that_tag(arn) if service == own and service not in ("ec2", "apigateway") else ():
            removes = re.match(r"[\w-]+:(Untag|RemoveTags|DeleteTags)", action) is not None
            add(action, "update" if removes else "create", "AWS's list of what tags such a thing", certain=True)
    facts = [Fact(action, phase, *said) for (action, phase), said in sorted(found.items())]
    return Known(_without_undoing(facts), own, links)


def _without_undoing(facts: list[Fact]) -> list[Fact]:
    """An action that deletes, by its name and by some source, is no part of a creation whatever another source says."""
    deleting = {one.action for one in facts if one.phase == "delete"}
    return [
        one
        for one in facts
        if not (one.phase in ("create", "update") and one.action in deleting and _undoes(one.action))
    ]


def _undoes(action: str) -> bool:
    return re.match(r"\w[\w-]*:(Delete|Terminate|Release|ScheduleKeyDeletion)", action) is not None


def _is_foreign(action: str, own: str, refers_to: set[str]) -> bool:
    """Whether it belongs to another service, which the resource has nothing to do with; IAM's writes always do."""
    prefix = action.partition(":")[0]
    if prefix == own:
        return False
    if prefix == "iam" and action not in (_GIVE_ROLE, LINK):
        return action != "iam:GetRole" or "iam" not in refers_to
    return prefix not in refers_to and prefix != "iam"


def _own(type_: str, recorded: Sequence[Mapping[str, Any]]) -> str:
    prefixes = Counter(
        action.partition(":")[0]
        for key in ("destroy", "undone", "apply", "plan", "measured")
        for action in _table().get(type_, {}).get(key, ())
    )
    for one in recorded:
        action = action_of(one["service"], one["operation"])
        if action is not None:
            # The first is what makes it.
            return action.partition(":")[0]
    # Who deletes it touches less of others than who makes it.
    handlers = _handlers(type_)
    prefixes = prefixes or Counter(
        one.partition(":")[0] for one in handlers.get("delete") or handlers.get("create", ())
    )
    return prefixes.most_common(1)[0][0] if prefixes else ""


def _is_given(name: str, inputs: Mapping[str, Any]) -> bool:
    """Whether an attribute, as Terraform calls it, is among the inputs."""
    wanted = name.replace("_", "").lower().rstrip("s")
    return any(
        key.lower().rstrip("s") == wanted and value not in (None, False, [], {}) for key, value in inputs.items()
    )


def _flat(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if key == "attributes":
            for actions in value.values():
                yield from actions
        else:
            yield from value


def is_known(type_: str, calls: Sequence[Mapping[str, Any]]) -> bool:
    return bool(_table().get(type_) or _handlers(type_) or calls)


@cache
def _table() -> dict[str, dict[str, Any]]:
    return json.loads(_FILE.read_text(encoding="utf-8"))["types"]


@cache
def _is_part(type_: str) -> bool:
    from rehearsal.lint.types import TYPES  # noqa: PLC0415 as below

    if type_ not in TYPES:
        return False
    return sum(one.type == TYPES[type_].type for key, one in TYPES.items() if _module(key) == _module(type_)) > 1


def _module(type_: str) -> str:
    """Other spellings of one type are no other type."""
    return type_.partition("/")[0]


@cache
def _handlers(type_: str) -> Mapping[str, tuple[str, ...]]:
    """The permissions of each handler that IAM knows; the schemas name some that no service has."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415 heavy, and not for --help
    from cfnlint.schema._exceptions import ResourceNotFoundError  # noqa: PLC0415

    from rehearsal.lint.types import TYPES  # noqa: PLC0415

    translation = TYPES.get(type_)
    if translation is None:
        return {}
    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", translation.type).schema
    except ResourceNotFoundError:
        return {}
    handlers = cast("Mapping[str, Any]", schema.get("handlers", {}))
    return {
        name: tuple(sorted({one for each in handlers[name].get("permissions", ()) if (one := spelt(each)) is not None}))
        for name in _HANDLERS
        if name in handlers
    }
