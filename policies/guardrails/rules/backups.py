"""AWS Backup."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from guardrails import types
from guardrails.kit import MANDATORY, aws, example, graph_rule, ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource


# What AWS Backup can back up and would be lost with its resource; of an Aurora cluster the cluster, not its instances.
_ARNS = {
    types.DYNAMODB_TABLE: "arn:aws:dynamodb:{region}:123456789012:table/{name}",
    types.RDS_CLUSTER: "arn:aws:rds:{region}:123456789012:cluster:{name}",
    types.RDS_INSTANCE: "arn:aws:rds:{region}:123456789012:db:{name}",
    types.FILE_SYSTEM: "arn:aws:elasticfilesystem:{region}:123456789012:file-system/{name}",
}
_ACCOUNT = re.compile(r"(?<=:)\d{12}(?=:)")
_TAG = "aws:ResourceTag/"


def _table(**props: Any) -> Any:
    return aws("dynamodb/table:Table", {"tags": {"Environment": "prod"}, **props}, name="kumiki-prod-app-table")


def _selection(*resources: Any, **props: Any) -> Any:
    given = {"planId": "plan", "resources": list(resources), **props}
    return aws("backup/selection:Selection", given, name="kumiki-prod-backup-selection")


def _tagged(value: str) -> dict[str, Any]:
    return {"conditions": [{"stringEquals": [{"key": "aws:ResourceTag/Environment", "value": value}]}]}


@graph_rule(
    id="backup-covers",
    title="In production, a backup plan covers whatever keeps data",
    types=tuple(_ARNS),
    level=MANDATORY,
    severity="high",
    topics=("backup",),
    environments=("prod",),
    references=("C2-8", "C2-9", "C2-18"),
    remedy="Let a backup.Selection of the stack name the resource, its kind, or tags that it carries.",
)
def backup_covers(resource: Resource, at: Context) -> Iterator[str]:
    """A selection of the stack, by ARN, pattern or tag; the backups that a database makes of itself go with it."""
    if not any(_covers(selection, resource, at) for selection in at.graph.of_kind(types.BACKUP_SELECTION)):
        yield "no backup plan of the stack covers it"


backup_covers.examples(
    compliant=[
        example(_table(), _selection("arn:aws:dynamodb:*:*:table/*", **_tagged("prod")), environment="prod"),
        example(_table(), _selection("*"), environment="prod"),
        example(_table(), _selection(ref("kumiki-prod-app-table", "arn")), environment="prod"),
        example(
            _table(),
            _selection(selectionTags=[{"type": "STRINGEQUALS", "key": "Environment", "value": "prod"}]),
            environment="prod",
        ),
        example(
            aws("rds/cluster:Cluster", name="kumiki-prod-db-cluster"),
            _selection("arn:aws:rds:ap-northeast-1:123456789012:cluster:*"),
            environment="prod",
        ),
    ],
    non_compliant=[
        example(_table(), environment="prod"),
        example(_table(), _selection("arn:aws:rds:*:*:cluster:*"), environment="prod"),
        example(_table(), _selection("arn:aws:dynamodb:*:*:table/*", **_tagged("dev")), environment="prod"),
        example(
            _table(),
            _selection(selectionTags=[{"type": "STRINGEQUALS", "key": "Environment", "value": "dev"}]),
            environment="prod",
        ),
        example(_table(), _selection("*", notResources=["arn:aws:dynamodb:*:*:table/*"]), environment="prod"),
    ],
)


def _covers(selection: Resource, resource: Resource, at: Context) -> bool:
    """Raises NotYetKnown."""
    arn = _ARNS[resource.kind].format(region=resource.region(at.stack), name=_name(resource))
    if _names(selection, "notResources", resource, arn):
        return False
    for tag in selection.props.items("selectionTags").blocks():
        if resource.tags.get(tag.text("key")) == tag.text("value"):
            return True
    if not _names(selection, "resources", resource, arn):
        return False
    return all(
        resource.tags.get(one.text("key").removeprefix(_TAG)) == one.text("value")
        for condition in selection.props.items("conditions").blocks()
        for one in condition.items("stringEquals").blocks()
    )


def _name(resource: Resource) -> str:
    """In AWS, as far as the program says it."""
    key = {types.RDS_CLUSTER: "clusterIdentifier", types.RDS_INSTANCE: "identifier"}
    name = resource.props.maybe(key.get(resource.kind, "name"))
    return name if isinstance(name, str) else resource.name


def _names(selection: Resource, key: str, resource: Resource, arn: str) -> bool:
    if resource.urn in selection.dependencies.get(key, ()):
        return True
    patterns = selection.props.items(key).texts()
    return any(
        pattern in resource.identifiers or fnmatchcase(arn, _ACCOUNT.sub("123456789012", pattern))
        for pattern in patterns
    )
