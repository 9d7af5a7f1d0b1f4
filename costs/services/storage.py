"""Buckets, their classes and copies, and file systems."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from costs.model import CostComponent, Resource, by_use, fixed, free, not_priced
from costs.services.registry import number, prices
from costs.stack import Stack

_BUCKET: Final = "s3/bucket:Bucket"
_OLDER_BUCKETS: Final = ("s3/bucketV2:BucketV2",)
_LIFECYCLES: Final = (
    "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
)
_TIERING: Final = "s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration"

_BACKUPS: Final = "efs/backupPolicy:BackupPolicy"

_KB_IN_GB: Final = 1024**2
_USUAL_KB: Final = Decimal(1024)
"""Of an object, where nobody says how large they are."""
_LEAST_KB: Final = 128
"""What an object in a class for infrequent access is billed as, at least, and below which Intelligent-Tiering watches
none. https://aws.amazon.com/s3/pricing/"""
_ARCHIVE_KB: Final = 40
"""Added to each archived object: 8 KB of its name as standard, 32 KB as archived. Here all of it is archived."""
_MONTH_DAYS: Final = Decimal("30.4")


@dataclass(frozen=True)
class _Class:
    """A class that rules move objects to."""

    key: str
    least_days: int
    """For which an object is paid, though it goes before."""


_CLASSES: Final = {
    "STANDARD_IA": _Class("s3.standard_ia", 30),
    "ONEZONE_IA": _Class("s3.one_zone_ia", 30),
    "GLACIER_IR": _Class("s3.glacier_instant", 90),
    "GLACIER": _Class("s3.glacier_flexible", 90),
    "DEEP_ARCHIVE": _Class("s3.deep_archive", 180),
    "INTELLIGENT_TIERING": _Class("s3.intelligent_tiering", 0),
}
"""The dearest of each kind first: which of several has the objects, nobody says."""
_INFREQUENT: Final = ("STANDARD_IA", "ONEZONE_IA", "GLACIER_IR")
_ARCHIVES: Final = ("GLACIER", "DEEP_ARCHIVE")


@prices(_BUCKET, *_OLDER_BUCKETS)
def bucket(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Data and requests of all buckets: standard but for what is said to be in cheaper classes."""
    others = tuple(type_ for type_ in (_BUCKET, *_OLDER_BUCKETS) if type_ != one.type)
    cool, cold = stack.use("infrequentGb", one, *others), stack.use("archivedGb", one, *others)
    stored = max(stack.use("storageGb", one, *others) - cool - cold, Decimal(0))
    yield by_use("data of all buckets", "s3.standard.gb_month", stored)
    yield by_use("writes to all buckets", "s3.standard.put_requests", stack.use("objectWrites", one, *others))
    yield by_use("reads from all buckets", "s3.standard.get_requests", stack.use("objectReads", one, *others))
    read = stack.use("retrievedGb", one, *others)
    if cool:
        name = _named(stack, _INFREQUENT)
        # What is smaller is billed as 128 KB.
        billed = cool * max(Decimal(1), _LEAST_KB / _object_kb(stack)) * _stays(stack, name)
        yield by_use(f"data of all buckets, {name}", f"{_CLASSES[name].key}.gb_month", billed)
        yield by_use("data read back", f"{_CLASSES[name].key}.retrieval_gb", read)
    if cold:
        name = _named(stack, _ARCHIVES)
        billed = cold * (1 + _ARCHIVE_KB / _object_kb(stack)) * _stays(stack, name)
        yield by_use(f"data of all buckets, {name}", f"{_CLASSES[name].key}.gb_month", billed)
        if not cool:
            yield by_use("data read back", f"{_CLASSES[name].key}.retrieval_gb", read)


def _object_kb(stack: Stack) -> Decimal:
    return stack.expects("objectKb") or _USUAL_KB


def _rules(stack: Stack) -> Iterator[Mapping[str, Any]]:
    for each in stack.of(*_LIFECYCLES):
        yield from each.inputs.get("rules") or []


def _transitions(rule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*(rule.get("transitions") or []), *(rule.get("noncurrentVersionTransitions") or [])]


def _named(stack: Stack, kind: tuple[str, ...]) -> str:
    """The dearest of a kind of classes that the stack's rules name; the first where they name none."""
    used = {each.get("storageClass") for rule in _rules(stack) for each in _transitions(rule)}
    return next((name for name in kind if name in used), kind[0])


def _stays(stack: Stack, name: str) -> Decimal:
    """How much longer an object is paid than it stays, where a rule removes it before the least time of its class."""
    least, most = _CLASSES[name].least_days, Decimal(1)
    for rule in _rules(stack):
        ends = number(rule.get("expiration") or {}, "days")
        for each in rule.get("transitions") or []:
            days = ends - number(each, "days")
            if each.get("storageClass") == name and 0 < days < least:
                most = max(most, least / days)
    return most


@prices(*_LIFECYCLES)
def lifecycle(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Each object that a rule moves to another class is a request, at the dearest price of those that rules name; those
    in Intelligent-Tiering are watched. Removing costs nothing."""
    moving = [each for each in stack.of(*_LIFECYCLES) if any(map(_transitions, each.inputs.get("rules") or []))]
    if one not in moving:
        yield free("removing objects costs nothing")
        return
    used = {each.get("storageClass") for rule in _rules(stack) for each in _transitions(rule)}
    name = next((each for each in ("DEEP_ARCHIVE", "GLACIER", "GLACIER_IR", *_CLASSES) if each in used), "")
    moved = stack.expects("movedObjects") if moving[0] is one else Decimal(0)
    if not name:
        yield not_priced("objects moved", f"the classes {', '.join(sorted(map(str, used)))} have no price here")
        return
    yield by_use(f"objects moved, {name}", f"{_CLASSES[name].key}.transition_requests", moved)
    if "INTELLIGENT_TIERING" in used and not stack.of(_TIERING):
        yield by_use("objects watched", "s3.intelligent_tiering.monitoring_objects", _watched(stack) if moved else 0)


@prices(_TIERING)
def tiering(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the object that is watched: as many as are written in a month, at least."""
    first = stack.of(_TIERING)[0] is one
    yield by_use("objects watched", "s3.intelligent_tiering.monitoring_objects", _watched(stack) if first else 0)


def _watched(stack: Stack) -> Decimal:
    return stack.expects("objectWrites") if _object_kb(stack) >= _LEAST_KB else Decimal(0)


@prices("s3/bucketReplicationConfig:BucketReplicationConfig")
def replication(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """What is copied is kept twice, is written once more, travels to the other region, and may have to arrive in
    time."""
    copied = stack.use("replicatedGb", one)
    yield by_use("data of the copies", "s3.standard.gb_month", copied)
    written = math.ceil(copied * _KB_IN_GB / _object_kb(stack))
    yield by_use("writes of the copies", "s3.standard.put_requests", written)
    destinations = [rule.get("destination") or {} for rule in one.inputs.get("rules") or []]
    targets = [stack.find(_BUCKET, each.get("bucket")) for each in destinations]
    if any(target is None or target.region != one.region for target in targets):
        yield by_use("data to another region", "datatransfer.inter_region_gb", copied)
    if any((each.get("replicationTime") or {}).get("status") == "Enabled" for each in destinations):
        yield by_use("copies in time", "s3.replication_time_control_gb", copied)


@prices("s3/inventory:Inventory", "s3/analyticsConfiguration:AnalyticsConfiguration")
def listed(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the object: each that is kept, each time that an inventory is made."""
    objects = stack.use("storageGb", one) * _KB_IN_GB / _object_kb(stack)
    if one.type.startswith("s3/analytics"):
        yield by_use("objects watched by class analysis", "s3.analytics_objects", objects)
        return
    daily = (one.inputs.get("schedule") or {}).get("frequency") == "Daily"
    yield by_use("objects listed", "s3.inventory_objects", objects * (_MONTH_DAYS if daily else _MONTH_DAYS / 7))


@prices("efs/fileSystem:FileSystem")
def files(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the GB, where there is no bucket that has the stack's data; in one zone for less."""
    stored = 0 if stack.of(_BUCKET, *_OLDER_BUCKETS) else stack.use("storageGb", one)
    zone = "one_zone" if one.inputs.get("availabilityZoneName") else "standard"
    yield by_use("data of all file systems", f"efs.{zone}_gb_month", stored)
    policies = [each for each in stack.of(_BACKUPS) if each.inputs.get("fileSystemId") == one.outputs.get("id")]
    if any((each.inputs.get("backupPolicy") or {}).get("status") == "ENABLED" for each in policies):
        yield by_use("copies of all file systems", "backup.efs_gb_month", stored)
    mode = str(one.inputs.get("throughputMode") or "bursting")
    if mode == "provisioned":
        throughput = number(one.inputs, "provisionedThroughputInMibps")
        yield fixed("throughput, provisioned", "efs.provisioned_mibps_month", throughput)
    elif mode != "bursting":
        yield not_priced(f"throughput, {mode}", "how much is read and written is not among the use that is known")
