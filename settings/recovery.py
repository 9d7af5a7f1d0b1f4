"""How soon the stack's data must be back, how much of it may be lost, and whether its stores can do that.

Nothing is made of the targets: each store is compared with them, by what its own settings keep of it. The hours of a
restore are what AWS says of it where it says something, else assumptions; the drill replaces them by what was measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from components.args import Args, as_far_as_known
from components.data.replication import HOURS_WITHOUT_CONTROL, REPLICATION_MINUTES
from components.errors import nearest
from components.messaging.expressions import ScheduleExpression, Timezone

if TYPE_CHECKING:
    from settings import Settings

Disaster = Literal["damage", "region"]
"""damage: data was changed or deleted, by mistake or by somebody. region: the stack's region is lost."""

Hours = Annotated[float, Field(gt=0, le=8760)]


class DrillSettings(Args):
    """When people are told to restore something and to write down how long it took."""

    expression: ScheduleExpression = "cron(0 10 ? 1,4,7,10 MON#1 *)"
    """Left out: the first Monday of each quarter."""

    timezone: Timezone = "Asia/Tokyo"


class RecoverySettings(Args):
    """What the stack promises for the day on which data is lost; a store that cannot keep it is refused."""

    rpo_hours: Hours
    """The most that may be lost: the hours before the disaster (recovery point objective)."""

    rto_hours: Hours
    """The hours after which everything must be back (recovery time objective)."""

    disasters: Annotated[list[Disaster], Field(min_length=1)] = ["damage", "region"]
    """What the promise is for. damage: data was changed or deleted. region: the stack's region is lost."""

    made_again: dict[str, Annotated[str, Field(min_length=10)]] = {}
    """Stores of which nothing need be kept, such as buckets.temporary, each with how their content is made again."""

    measured: dict[str, dict[Disaster, Hours]] = {}
    """Hours that a restore took in the drill, by store and disaster; they count instead of what is assumed."""

    drill: DrillSettings | None = DrillSettings()
    """The reminder, to the topic of warnings; null for none."""


@dataclass(frozen=True)
class Mechanism:
    """A way back."""

    name: str
    lost_hours: float
    """At most."""

    restored_hours: float
    """About."""

    basis: str
    """Where the numbers are from."""


@dataclass(frozen=True)
class Store:
    """What keeps data, and the ways back to it."""

    name: str
    """Its key in the stack's file, such as tables.pages."""

    ways: Mapping[Disaster, tuple[Mechanism, ...]]
    advice: Mapping[Disaster, str]
    """What to set, where no way is good enough."""


_MINUTES: Final = 1 / 60

# LatestRestorableTime is "typically within the last five minutes" (docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide
# and amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html).
_CONTINUOUS_LOSS: Final = 5 * _MINUTES
# DynamoDB copies within a second or so; the alarm on a replica tolerates a minute for five minutes.
_REPLICA_LOSS: Final = 6 * _MINUTES

# "95 percent of customers' table restores complete in less than one hour" (DynamoDB's guide, backuprestore_HowItWorks),
# and an hour to copy the items back.
_TABLE_HOURS: Final = 2.0
_TABLE_BASIS: Final = "AWS: 95 % of table restores end within an hour; an hour to copy items back is assumed"
_BUCKET_HOURS: Final = 1.0
_DATABASE_HOURS: Final = 2.0
_DATABASE_BASIS: Final = "assumed for 100 GB: an hour for the copy, half an hour each for instances and names"
_VAULT_HOURS: Final = 1.0
"""More than from a continuous backup: a role and the metadata of the restore come first."""
_ELSEWHERE_HOURS: Final = 2.0
_ELSEWHERE_BASIS: Final = "two hours to deploy the stack in the other region and move the domain are assumed"
_REBUILT_HOURS: Final = 0.5
_INDEX_HOURS: Final = 1.0
_INDEX_BASIS: Final = "assumed for ten thousand pages, whose vectors a model makes again"

KEEP_NOTHING: Final[Mapping[str, str]] = {
    "secrets": "AWS keeps what was deleted for weeks; elsewhere the deployment makes new ones, or people give theirs",
    "parameters": "the stack's file says them",
    "queues": "work in flight, which whoever asked for it asks for again",
    "logArchive": "logs; nothing that the system works with",
    "baseline": "the trail is locked against deletion, and nothing works with it",
    "modelAccess": "the record of what was asked, and nothing works with it",
    "knowledgeBases": "what they know is read from their bucket again",
    "logAnalytics": "results of queries, which can be asked again",
    "site": "the repository has it",
    "simpleService": "programs, whose images the repository has",
    "build": "the repository has it",
}
"""Sections whose parts keep something and are no stores of data, and why."""


def stores(settings: Settings) -> Iterator[Store]:
    """Everything that keeps data, in the order of the stack's file."""
    yield from (_bucket(settings, name) for name in settings.buckets)
    if settings.database is not None:
        yield _database(settings)
    if settings.cache is not None:
        # Nothing is lost with it that the other stores do not have.
        again = Mechanism("filled again from the other stores", 0, _REBUILT_HOURS, "assumed")
        there = Mechanism("filled again in the other region", 0, _ELSEWHERE_HOURS + _REBUILT_HOURS, _ELSEWHERE_BASIS)
        yield Store("cache", {"damage": (again,), "region": (there,)}, {})
    yield from (_table(settings, name) for name in settings.tables)
    for name in settings.vector_collections:
        # It has nothing that the bucket and the table do not have.
        again = Mechanism("filled again from bucket and table", 0, _INDEX_HOURS, _INDEX_BASIS)
        there = Mechanism("filled again from their copies", 0, _ELSEWHERE_HOURS + _INDEX_HOURS, _INDEX_BASIS)
        yield Store(f"vectorCollections.{name}", {"damage": (again,), "region": (there,)}, {})
    if settings.user_pool is not None:
        yield _without_way_back("userPool", "Cognito keeps no backups of people")
    if settings.lake is not None:
        yield _without_way_back("lake", "nothing copies its zones")
    if settings.host is not None:
        yield _without_way_back("host", "nothing copies its disk")


def _bucket(settings: Settings, name: str) -> Store:
    bucket, key = settings.buckets[name], f"buckets.{name}"
    kept = "old versions" if bucket.mfa_delete else f"old versions, {bucket.noncurrent_days} days"
    versions = (Mechanism(kept, 0, _BUCKET_HOURS, "assumed for a million objects, by S3 Batch Operations"),)
    copies: tuple[Mechanism, ...] = ()
    if bucket.replicate_to:
        timed = bucket.replication_time_control
        lost = REPLICATION_MINUTES * _MINUTES if timed else HOURS_WITHOUT_CONTROL
        why = "by S3's service level for 99.9 % of objects" if timed else "S3 promises nothing; an alarm tells by then"
        copies = (Mechanism(f"copy in {bucket.replicate_to}", lost, _ELSEWHERE_HOURS, f"{why}; {_ELSEWHERE_BASIS}"),)
    return Store(
        key,
        {"damage": versions if bucket.versioning else (), "region": copies},
        {
            "damage": f"set {key}.versioning to true",
            "region": f"set {key}.replicateTo to {_elsewhere(settings)}"
            + ("" if bucket.replication_time_control else f", and {key}.replicationTimeControl to true"),
        },
    )


def _table(settings: Settings, name: str) -> Store:
    table, key = settings.tables[name], f"tables.{name}"
    here = list(_vault(settings, _TABLE_HOURS, _TABLE_BASIS))
    if table.recovery_days:
        said = f"continuous backup, {table.recovery_days} days"
        here.insert(0, Mechanism(said, _CONTINUOUS_LOSS, _TABLE_HOURS, _TABLE_BASIS))
    there = list(_vault_elsewhere(settings, 1, _TABLE_BASIS))
    if table.replicas:
        said = f"replica in {', '.join(table.replicas)}"
        there.insert(0, Mechanism(said, _REPLICA_LOSS, _ELSEWHERE_HOURS, _ELSEWHERE_BASIS))
    return Store(
        key,
        {"damage": tuple(here), "region": tuple(there)},
        {
            "damage": f"set {key}.recoveryDays to 35",
            "region": f"add {_elsewhere(settings)} to {key}.replicas, or set backup.copyTo and backup.everyHours",
        },
    )


def _database(settings: Settings) -> Store:
    assert settings.database is not None
    said = f"continuous backup, {settings.database.kept_days} days"
    here = (
        Mechanism(said, _CONTINUOUS_LOSS, _DATABASE_HOURS, _DATABASE_BASIS),
        *_vault(settings, _DATABASE_HOURS, _DATABASE_BASIS),
    )
    return Store(
        "database",
        {"damage": here, "region": tuple(_vault_elsewhere(settings, _DATABASE_HOURS, _DATABASE_BASIS))},
        {
            "damage": f"raise recovery.rpoHours: a continuous backup loses {duration(_CONTINUOUS_LOSS)} at most",
            "region": f"set backup.copyTo to {_elsewhere(settings)} and backup.everyHours; less than "
            f"{settings.backup.lost_hours(2, copied=True) if settings.backup else 5:g} hours would need a global "
            "cluster, which this program does not make, so raise the targets or take region out of recovery.disasters",
        },
    )


def _vault(settings: Settings, hours: float, basis: str) -> Iterator[Mechanism]:
    if settings.backup is not None:
        said = f"vault, every {settings.backup.every_hours} hours"
        yield Mechanism(said, settings.backup.lost_hours(), hours + _VAULT_HOURS, basis)


def _vault_elsewhere(settings: Settings, hours: float, basis: str) -> Iterator[Mechanism]:
    backup = settings.backup
    if backup is not None and backup.copy_to:
        said = f"vault in {backup.copy_to}, every {backup.every_hours} hours"
        taken = _ELSEWHERE_HOURS + hours + _VAULT_HOURS
        yield Mechanism(said, backup.lost_hours(copied=True), taken, f"{basis}; {_ELSEWHERE_BASIS}")


def _without_way_back(name: str, why: str) -> Store:
    advice = f"{why}: name it in recovery.madeAgain, with how its content is made again"
    return Store(name, {}, {"damage": advice, "region": advice})


def _elsewhere(settings: Settings) -> str:
    """Where copies are to go: to the region that has some, or the next in which data may be."""
    others = [region for region in settings.residency.regions if region != settings.region]
    return settings.copies_region or (others[0] if others else "a second region of residency.regions")


@dataclass(frozen=True)
class Line:
    """What a disaster does to a store, at best."""

    store: Store
    disaster: Disaster
    way: Mechanism | None
    """None where there is no way back; that is in order for what is made again."""

    made_again: str | None = None

    def met(self, recovery: RecoverySettings) -> bool:
        """Whether the targets are."""
        if self.made_again is not None:
            return True
        way = self.way
        return way is not None and way.lost_hours <= recovery.rpo_hours and way.restored_hours <= recovery.rto_hours


def lines(settings: Settings) -> Iterator[Line]:
    """Each store in each disaster, by the way back that meets the targets, or else loses least."""
    recovery = settings.recovery
    if recovery is None:
        return
    for store in stores(settings):
        for disaster in recovery.disasters:
            again = recovery.made_again.get(store.name)
            if again is not None:
                yield Line(store, disaster, None, again)
                continue
            ways = [_measured(one, recovery, store.name, disaster) for one in store.ways.get(disaster, ())]
            found = [Line(store, disaster, way) for way in sorted(ways, key=lambda way: way.lost_hours)]
            yield next(
                (line for line in found if line.met(recovery)), found[0] if found else Line(store, disaster, None)
            )


def _measured(way: Mechanism, recovery: RecoverySettings, store: str, disaster: Disaster) -> Mechanism:
    hours = recovery.measured.get(store, {}).get(disaster)
    return way if hours is None else Mechanism(way.name, way.lost_hours, hours, "measured in the drill")


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    recovery = settings.recovery
    if recovery is None:
        return
    if recovery.drill is not None and settings.alerts is None:
        yield "recovery.drill", "reminds the people of alerts, which are missing; add the section alerts, or use null"
    yield from as_far_as_known(_unknown(settings, recovery))
    for line in lines(settings):
        if not line.met(recovery):
            yield line.store.name, f"{_short(line, recovery)}; {_advice(line, recovery)}"


_RAISE: Final = "raise recovery.rtoHours, or try it and write what it took into recovery.measured"
_WHEN: Final[Mapping[Disaster, str]] = {
    "damage": "when data is changed or deleted by mistake",
    "region": "when the region is lost",
}


def _unknown(settings: Settings, recovery: RecoverySettings) -> Iterator[tuple[str, str]]:
    known = [store.name for store in stores(settings)]
    for field, names in (("madeAgain", recovery.made_again), ("measured", recovery.measured)):
        for name in names:
            if name not in known:
                all_of_them = ", ".join(known) or "none"
                yield f"recovery.{field}.{name}", f"is no store; {nearest(name, known)}the stores are: {all_of_them}"


def _short(line: Line, recovery: RecoverySettings) -> str:
    way, when = line.way, _WHEN[line.disaster]
    if way is None:
        return f"has no way back {when}, and recovery.rpoHours is {recovery.rpo_hours:g}"
    if way.lost_hours > recovery.rpo_hours:
        return (
            f"loses up to {duration(way.lost_hours)} {when} ({way.name}), and recovery.rpoHours is "
            f"{recovery.rpo_hours:g}"
        )
    return (
        f"takes about {duration(way.restored_hours)} {when} ({way.name}: {way.basis}), and recovery.rtoHours is "
        f"{recovery.rto_hours:g}"
    )


def _advice(line: Line, recovery: RecoverySettings) -> str:
    too_slow = line.way is not None and line.way.lost_hours <= recovery.rpo_hours
    return _RAISE if too_slow else line.store.advice[line.disaster]


def duration(hours: float) -> str:
    """`15 minutes`, `2 hours`, `nothing`."""
    minutes = round(hours * 60)
    if minutes == 0:
        return "nothing"
    if minutes < 60 or (minutes % 60 and minutes < 600):
        return f"{minutes} minutes"
    whole = -(-minutes // 60)
    return f"{whole} hour" if whole == 1 else f"{whole} hours"


def table(settings: Settings) -> list[dict[str, str]]:
    """Store, disaster, way back, loss and time, for people and for whoever reads the stack's outputs."""
    told: list[dict[str, str]] = []
    for line in lines(settings):
        way = line.way
        if way is None:
            rest = {"by": f"made again: {line.made_again}", "lost at most": "all", "back after about": "", "basis": ""}
        else:
            rest = {
                "by": way.name,
                "lost at most": duration(way.lost_hours),
                "back after about": duration(way.restored_hours),
                "basis": way.basis,
            }
        told.append({"store": line.store.name, "disaster": line.disaster, **rest})
    return told
