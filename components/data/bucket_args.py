"""What somebody decides about a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ..args import Args, ComponentArgs
from ..errors import Mistake
from ..retention import Retention
from ..values import Days, Region
from .lifecycle import LifecycleRule
from .log_delivery import LogSource


class ObjectLock(Args):
    """Nobody can delete or overwrite a version until its time is over. Can only be chosen when the bucket is made."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    """GOVERNANCE: principals with a special permission can still delete. COMPLIANCE: nobody can, not even the root
    user; what was written stays, and is paid for, to the end."""

    days: Days
    """Days for which each version is locked."""


class BucketArgs(ComponentArgs):
    """An S3 bucket. Privacy, encryption and TLS are no choices."""

    encryption: Literal["kms", "s3"] = "kms"
    """kms: a KMS key, the stack's or else the one that AWS manages for S3 in the account (free). s3: keys that S3 keeps
    to itself; for the targets of server access logs and load balancer logs, where AWS can write with nothing else, and
    for what everybody may read."""

    versioning: bool = True
    """Keep what was overwritten or deleted. Off only for what can be made again, such as a built front end."""

    noncurrent_days: Days = 30
    """Days for which an overwritten or deleted version is kept, and paid for."""

    abort_uploads_days: Days = 7
    """Days after which the parts of an unfinished upload, which nobody sees and everybody pays for, are removed."""

    lifecycle: list[LifecycleRule] = []
    """What becomes of objects as they age."""

    intelligent_tiering: bool = False
    """Let S3 move each object by its use ($0.0025 a month for 1,000 objects over 128 KB; no cost to read back).
    After 90 days without use it goes to an archive tier, from which reading takes hours."""

    object_lock: ObjectLock | None = None
    """Keep versions from being deleted by anybody for a time."""

    replicate_to: Region | None = None
    """Keep a copy of everything in another region. Doubles the storage and adds $0.09 for each GB that is copied."""

    replication_time_control: bool = True
    """Of a copy: S3 copies 99.9 % within 15 minutes, by its service level; $0.015 for each GB. Off: when it can, which
    is hours for large objects. What lags or fails is counted either way, $1.20 a month."""

    replicate_deletions: bool = False
    """Of a copy: what is deleted here is hidden there, too, under a marker. Off: a deletion here deletes nothing there,
    and the copy is also the way back from a mistake."""

    mfa_delete: bool = False
    """Leave out the lifecycle rules, which S3 refuses where deleting a version takes the root user's second factor.
    Only the root user can switch that on, by hand: docs/runbooks/mfa-delete.md. Old versions then stay, and are paid
    for, until somebody deletes them. An object lock protects them too, and needs neither."""

    receives_logs_from: list[LogSource] = []
    """AWS services that may write their logs here, each under its own prefix."""

    events: bool = False
    """Tell EventBridge of each object that comes, changes or goes. Rules then start what works with it."""

    retention: Retention = "protected"
    """protected: cannot be deleted. ephemeral: is deleted with everything in it. In YAML left out: the stack's."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.encryption == "kms" and self.receives_logs_from:
            yield Mistake("encryption", "kms", "keeps the log services of AWS from writing here; use s3")
        if self.intelligent_tiering and any(rule.prefix == "" and rule.transitions for rule in self.lifecycle):
            reason = "cannot be used with transitions of all objects; choose one of the two"
            yield Mistake("intelligent_tiering", True, reason)
        prefixes = [rule.prefix for rule in self.lifecycle]
        if len(set(prefixes)) != len(prefixes):
            yield Mistake("lifecycle", prefixes, "has two rules for the same prefix; make them one")
        if not self.versioning and (self.object_lock or self.replicate_to or self.mfa_delete):
            reason = "cannot be off with an object lock, a replica or mfaDelete, which work on versions"
            yield Mistake("versioning", False, reason)
        if self.mfa_delete:
            yield from self._beside_mfa_delete()
        for field in ("replicate_deletions", "replication_time_control"):
            if field in self.model_fields_set and self.replicate_to is None:
                yield Mistake(field, getattr(self, field), "is of a copy, and there is none; add replicateTo")
        if self.object_lock and self.object_lock.mode == "COMPLIANCE" and self.retention == "ephemeral":
            reason = "cannot be torn down, and retention is ephemeral; use GOVERNANCE"
            yield Mistake(("object_lock", "mode"), "COMPLIANCE", reason)
        if self.object_lock and "s3" in self.receives_logs_from:
            reason = "keeps S3 from writing access logs here; use another bucket for them"
            yield Mistake(("object_lock", "mode"), self.object_lock.mode, reason)

    def _beside_mfa_delete(self) -> Iterator[Mistake]:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html
        for field in ("lifecycle", "intelligent_tiering", "noncurrent_days", "abort_uploads_days"):
            value = getattr(self, field)
            if field in self.model_fields_set and value not in ([], False):
                reason = "is a lifecycle rule, which S3 refuses with mfaDelete; leave one of them out"
                yield Mistake(field, value, reason)
        if self.retention == "ephemeral":
            yield Mistake("mfa_delete", True, "cannot be torn down, and retention is ephemeral; leave it out")
