"""Who reaches a bucket, how long it keeps things, and what it refuses to be."""

from __future__ import annotations

import fnmatch
from typing import Any

import pulumi_aws as aws
import pytest

from components.alarms import AlarmTopics
from components.data.bucket import Bucket, BucketArgs, ObjectLock
from components.data.lifecycle import LifecycleRule
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from components.policy import statement
from tests.conftest import ACCOUNT, REGION, Recorder

NAME = "wiki-dev-uploads"
ARN = f"arn:aws:s3:::{NAME}-bucket-1234567"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
DR_KEY = f"arn:aws:kms:ap-northeast-3:{ACCOUNT}:key/2"


TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")
THERE = AlarmTopics(critical="arn:aws:sns:ap-northeast-3::there", warning="arn:aws:sns:ap-northeast-3::there")
OURS = {"key": ExistingKey(arn=KEY)}
COPIED = {**OURS, "replica_key": ExistingKey(arn=DR_KEY), "replicate_to": "ap-northeast-3"}


def bucket(**given: Any) -> Bucket:
    beside = {name: given.pop(name) for name in ("key", "replica_key", "statements") if name in given}
    return Bucket(NAME, BucketArgs(**given), **beside)


def build(recorder: Recorder, **given: Any) -> Recorder:
    return recorder.run(lambda: bucket(**given))


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allowed(policy: dict[str, Any], action: str, resource: str) -> bool:
    """Whether a policy's Allow statements cover an action on a resource, conditions apart."""
    return any(
        s["Effect"] == "Allow"
        and any(fnmatch.fnmatchcase(action, pattern) for pattern in as_list(s["Action"]))
        and any(fnmatch.fnmatchcase(resource, pattern) for pattern in as_list(s["Resource"]))
        for s in policy["Statement"]
    )


def granted(recorder: Recorder, verb: str, **args: Any) -> dict[str, Any]:
    def program() -> None:
        role = aws.iam.Role("wiki-dev-api-task-role", assume_role_policy="{}")
        getattr(bucket(**args), f"grant_{verb}")(role)

    grant = recorder.run(program).one(":RolePolicy")
    assert grant.inputs["role"] == "wiki-dev-api-task-role-id"
    return grant.policy()


# --- Exposure --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "count"), [({}, 1), (COPIED, 2)])
def test_every_way_to_the_public_is_closed_also_for_the_replica(
    given: dict[str, Any], count: int, recorder: Recorder
) -> None:
    build(recorder, **given)
    buckets = {f"{bucket.name}-id" for bucket in recorder.of("s3/bucket:Bucket")}
    assert len(buckets) == count
    blocks, owners = recorder.of(":BucketPublicAccessBlock"), recorder.of(":BucketOwnershipControls")
    assert {block.inputs["bucket"] for block in blocks} == buckets == {each.inputs["bucket"] for each in owners}
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert all(block.inputs[switch] is True for block in blocks for switch in switches)
    assert all(each.inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"} for each in owners)


@pytest.mark.covers("C9")
def test_plain_http_and_old_tls_are_denied_to_everybody(recorder: Recorder) -> None:
    build(recorder)
    denials = {
        str(s["Condition"]): s for s in recorder.one(":BucketPolicy").policy()["Statement"] if s["Effect"] == "Deny"
    }
    assert set(denials) == {
        "{'Bool': {'aws:SecureTransport': 'false'}}",
        "{'NumericLessThan': {'s3:TlsVersion': '1.2'}}",
    }
    for denial in denials.values():
        assert denial["Principal"] == "*"
        assert denial["Action"] == "s3:*"
        assert denial["Resource"] == [ARN, f"{ARN}/*"]


def test_by_default_the_policy_allows_nothing_to_nobody(recorder: Recorder) -> None:
    build(recorder)
    assert all(s["Effect"] == "Deny" for s in recorder.one(":BucketPolicy").policy()["Statement"])


def test_a_callers_statements_join_the_one_policy(recorder: Recorder) -> None:
    build(
        recorder,
        statements=lambda arn: [
            statement("Site", principal={"Service": "cloudfront.amazonaws.com"}, actions="s3:GetObject", resources=arn)
        ],
    )
    sids = [s["Sid"] for s in recorder.one(":BucketPolicy").policy()["Statement"]]
    assert sids == ["DenyPlainHttp", "DenyOldTls", "Site"]


# --- Encryption ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "default", "bucket_key"),
    [
        (OURS, {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}, True),
        ({}, {"sseAlgorithm": "aws:kms"}, True),
        ({"encryption": "s3"}, {"sseAlgorithm": "AES256"}, False),
    ],
)
def test_objects_are_encrypted_with_the_given_key_or_that_of_aws(
    args: dict[str, Any], default: dict[str, str], bucket_key: bool | None, recorder: Recorder
) -> None:
    build(recorder, **args)
    [rule] = recorder.one(":BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == default
    assert rule.get("bucketKeyEnabled") is bucket_key


# --- Grants ----------------------------------------------------------------------------------------------------------


def test_a_reader_can_read_and_decrypt_and_nothing_more(recorder: Recorder) -> None:
    policy = granted(recorder, "read", **OURS)
    assert allowed(policy, "s3:GetObject", f"{ARN}/report.pdf")
    assert allowed(policy, "s3:ListBucket", ARN)
    assert allowed(policy, "kms:Decrypt", KEY)
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:PutBucketPolicy", "kms:GenerateDataKey"):
        assert not allowed(policy, action, f"{ARN}/report.pdf")
        assert not allowed(policy, action, KEY)
    assert not allowed(policy, "s3:GetObject", "arn:aws:s3:::another/report.pdf")
    assert not allowed(policy, "kms:Decrypt", DR_KEY)


def test_a_writer_can_write_and_encrypt_and_read_nothing(recorder: Recorder) -> None:
    policy = granted(recorder, "write", **OURS)
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"):
        assert allowed(policy, action, f"{ARN}/report.pdf")
    assert allowed(policy, "kms:GenerateDataKey", KEY)
    for action in ("s3:GetObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutObjectAcl"):
        assert not allowed(policy, action, f"{ARN}/report.pdf")


def test_without_a_key_of_its_own_no_key_is_granted(recorder: Recorder) -> None:
    policy = granted(recorder, "write")
    assert not any("kms:" in action for s in policy["Statement"] for action in as_list(s["Action"]))


def test_grants_to_two_roles_do_not_collide(recorder: Recorder) -> None:
    def program() -> None:
        bucket = Bucket(NAME, BucketArgs())
        for name in ("a-role", "b-role"):
            bucket.grant_read(aws.iam.Role(name, assume_role_policy="{}"))

    assert len({grant.urn for grant in recorder.run(program).of(":RolePolicy")}) == 2


# --- Logs ------------------------------------------------------------------------------------------------------------


@pytest.mark.covers("A9")
def test_a_log_bucket_archives_after_90_days_and_forgets_after_a_year(recorder: Recorder) -> None:
    build(
        recorder,
        encryption="s3",
        receives_logs_from=("s3", "elb", "vpc-flow-logs"),
        lifecycle=[LifecycleRule(transitions={"GLACIER": 90}, delete_after_days=365)],
    )
    rules = {rule["id"]: rule for rule in recorder.one(":BucketLifecycleConfiguration").inputs["rules"]}
    assert rules["age:all"]["transitions"] == [{"storageClass": "GLACIER", "days": 90}]
    assert rules["age:all"]["expiration"] == {"days": 365}
    assert recorder.one(":BucketVersioning").inputs["versioningConfiguration"]["status"] == "Enabled"
    [encryption] = recorder.one(":BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert encryption["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "AES256"
    assert recorder.one(":BucketPublicAccessBlock").inputs["restrictPublicBuckets"] is True


@pytest.mark.parametrize(
    ("source", "principal", "prefix"),
    [
        ("s3", {"Service": "logging.s3.amazonaws.com"}, "s3-access-logs/x"),
        ("vpc-flow-logs", {"Service": "delivery.logs.amazonaws.com"}, "vpc-flow-logs/x"),
        ("elb", {"AWS": "arn:aws:iam::582318560864:root"}, f"load-balancer-logs/AWSLogs/{ACCOUNT}/x"),
    ],
)
def test_a_log_service_writes_under_its_prefix_and_nowhere_else(
    source: str, principal: dict[str, str], prefix: str, recorder: Recorder
) -> None:
    build(recorder, encryption="s3", receives_logs_from=[source])
    policy = recorder.one(":BucketPolicy").policy()
    assert allowed(policy, "s3:PutObject", f"{ARN}/{prefix}")
    assert not allowed(policy, "s3:PutObject", f"{ARN}/elsewhere/x")
    assert not allowed(policy, "s3:GetObject", f"{ARN}/{prefix}")
    grants = [s for s in policy["Statement"] if s["Effect"] == "Allow"]
    assert all(s["Principal"] == principal for s in grants)
    for grant in grants:
        if "Service" in principal:  # a service could be sent by anybody; an account of Amazon's writes by path
            assert grant["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT


def test_access_logs_go_to_a_bucket_that_admits_them_by_then(recorder: Recorder) -> None:
    def program() -> None:
        logs = Bucket("wiki-dev-logs", BucketArgs(encryption="s3", receives_logs_from=["s3"]))
        Bucket(NAME, BucketArgs(), access_logs=logs)

    recorder.run(program)
    logging = recorder.one(":BucketLogging")
    assert logging.inputs["targetBucket"] == "wiki-dev-logs-bucket-1234567"
    assert logging.inputs["targetPrefix"] == "s3-access-logs/"
    assert recorder.named("wiki-dev-logs-policy").urn in logging.dependencies


# --- Age -------------------------------------------------------------------------------------------------------------


def test_old_versions_and_unfinished_uploads_do_not_stay_for_ever(recorder: Recorder) -> None:
    build(recorder, noncurrent_days=14, abort_uploads_days=3)
    [rule] = recorder.one(":BucketLifecycleConfiguration").inputs["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 14}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 3}
    assert rule["expiration"] == {"expiredObjectDeleteMarker": True}


def test_without_versions_there_is_nothing_of_them_to_expire(recorder: Recorder) -> None:
    build(recorder, versioning=False)
    [rule] = recorder.one(":BucketLifecycleConfiguration").inputs["rules"]
    assert "noncurrentVersionExpiration" not in rule
    assert "expiration" not in rule


def test_intelligent_tiering_moves_everything_and_archives_what_nobody_reads(recorder: Recorder) -> None:
    build(recorder, intelligent_tiering=True, lifecycle=[LifecycleRule(prefix="tmp/", delete_after_days=7)])
    rules = {rule["id"]: rule for rule in recorder.one(":BucketLifecycleConfiguration").inputs["rules"]}
    assert rules["age:all"]["transitions"] == [{"storageClass": "INTELLIGENT_TIERING", "days": 0}]
    assert rules["age:tmp/"]["expiration"] == {"days": 7}
    assert len(recorder.one(":BucketIntelligentTieringConfiguration").inputs["tierings"]) == 2


@pytest.mark.parametrize(("retention", "protected"), [("protected", True), ("ephemeral", False)])
def test_retention_decides_whether_a_bucket_can_go(retention: str, protected: bool, recorder: Recorder) -> None:
    build(recorder, retention=retention)
    bucket = recorder.one("s3/bucket:Bucket")
    assert bucket.protect is protected
    assert bucket.inputs["forceDestroy"] is not protected


@pytest.mark.covers("D4")
def test_where_versions_are_to_be_deleted_by_the_root_user_alone_there_are_no_lifecycle_rules(
    recorder: Recorder,
) -> None:
    build(recorder, **COPIED, mfa_delete=True)
    assert not recorder.of(":BucketLifecycleConfiguration")
    assert {one.inputs["tags"]["MfaDelete"] for one in recorder.of("s3/bucket:Bucket")} == {"by-hand"}


def test_object_lock_is_chosen_when_the_bucket_is_made(recorder: Recorder) -> None:
    build(recorder, object_lock=ObjectLock(mode="COMPLIANCE", days=1096))
    assert recorder.one("s3/bucket:Bucket").inputs["objectLockEnabled"] is True
    lock = recorder.one(":BucketObjectLockConfiguration")
    assert lock.inputs["rule"] == {"defaultRetention": {"mode": "COMPLIANCE", "days": 1096}}
    assert recorder.one(":BucketVersioning").urn in lock.dependencies


# --- Replica ---------------------------------------------------------------------------------------------------------


def test_everything_is_copied_to_another_region_under_a_key_there(recorder: Recorder) -> None:
    build(recorder, **COPIED)
    copy = recorder.named(f"{NAME}-replica-bucket")
    assert copy.inputs["region"] == "ap-northeast-3"
    abroad = [each for each in recorder.resources if each.inputs.get("bucket") == f"{copy.name}-id"]
    assert {each.type.rsplit(":", 1)[-1] for each in abroad} == {
        "BucketPublicAccessBlock",
        "BucketOwnershipControls",
        "BucketServerSideEncryptionConfiguration",
        "BucketVersioning",
        "BucketPolicy",
        "BucketLifecycleConfiguration",
    }
    assert all(each.inputs["region"] == "ap-northeast-3" for each in abroad)
    replication = recorder.one(":BucketReplicationConfig")
    [rule] = replication.inputs["rules"]
    assert rule["destination"]["bucket"] == f"arn:aws:s3:::{copy.name}-1234567"
    assert rule["destination"]["encryptionConfiguration"] == {"replicaKmsKeyId": DR_KEY}
    assert rule["deleteMarkerReplication"] == {"status": "Disabled"}
    quarter = {"minutes": 15}
    assert rule["destination"]["replicationTime"] == {"status": "Enabled", "time": quarter}
    assert rule["destination"]["metrics"] == {"status": "Enabled", "eventThreshold": quarter}
    both = {each.urn for each in recorder.of(":BucketVersioning")}
    assert both < set(replication.dependencies)


def test_the_replication_role_copies_and_nothing_more(recorder: Recorder) -> None:
    build(recorder, **COPIED)
    copy = f"arn:aws:s3:::{NAME}-replica-bucket-1234567"
    policy = recorder.one(":RolePolicy").policy()
    assert allowed(policy, "s3:GetObjectVersionForReplication", f"{ARN}/x")
    assert allowed(policy, "s3:ReplicateObject", f"{copy}/x")
    assert allowed(policy, "kms:Decrypt", KEY)
    assert allowed(policy, "kms:Encrypt", DR_KEY)
    for action, resource in (
        ("s3:ReplicateObject", f"{ARN}/x"),
        ("s3:GetObjectVersionForReplication", f"{copy}/x"),
        ("s3:PutObject", f"{copy}/x"),
        ("s3:ReplicateDelete", f"{copy}/x"),
        ("s3:GetObjectRetention", f"{ARN}/x"),
        ("kms:Decrypt", DR_KEY),
        ("kms:Encrypt", KEY),
    ):
        assert not allowed(policy, action, resource)
    [trust] = recorder.one(":Role").policy("assumeRolePolicy")["Statement"]
    assert trust["Principal"] == {"Service": "s3.amazonaws.com"}
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": ARN}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


@pytest.mark.covers("D4")
def test_deletions_are_copied_only_where_that_is_asked_for(recorder: Recorder) -> None:
    build(recorder, **COPIED, replicate_deletions=True)
    [rule] = recorder.one(":BucketReplicationConfig").inputs["rules"]
    assert rule["deleteMarkerReplication"] == {"status": "Enabled"}
    assert allowed(
        recorder.one(":RolePolicy").policy(), "s3:ReplicateDelete", f"arn:aws:s3:::{NAME}-replica-bucket-1234567/x"
    )


def test_without_time_control_what_lags_is_counted_all_the_same(recorder: Recorder) -> None:
    recorder.run(lambda: bucket(**COPIED, replication_time_control=False).alarms(TOPICS, THERE))
    [rule] = recorder.one(":BucketReplicationConfig").inputs["rules"]
    assert "replicationTime" not in rule["destination"]
    assert rule["destination"]["metrics"] == {"status": "Enabled"}
    assert recorder.named(f"{NAME}-replication-late-alarm").inputs["threshold"] == 3 * 3600


def test_the_copy_of_a_locked_bucket_is_locked_for_the_same_time(recorder: Recorder) -> None:
    build(recorder, **COPIED, object_lock=ObjectLock(mode="GOVERNANCE", days=1096))
    assert {one.inputs["objectLockEnabled"] for one in recorder.of("s3/bucket:Bucket")} == {True}
    here, there = recorder.of(":BucketObjectLockConfiguration")
    assert here.inputs["rule"] == there.inputs["rule"]
    assert (here.inputs.get("region"), there.inputs["region"]) == (None, "ap-northeast-3")
    for action in ("s3:GetObjectRetention", "s3:GetObjectLegalHold"):
        assert allowed(recorder.one(":RolePolicy").policy(), action, f"{ARN}/x")


@pytest.mark.covers("D4")
def test_what_lags_is_told_where_the_copy_is_and_what_failed_where_the_bucket_is(recorder: Recorder) -> None:
    recorder.run(lambda: bucket(**COPIED).alarms(TOPICS, THERE))
    late = recorder.named(f"{NAME}-replication-late-alarm").inputs
    failed = recorder.named(f"{NAME}-replication-failed-alarm").inputs
    assert (
        late["dimensions"]
        == failed["dimensions"]
        == {
            "SourceBucket": f"{NAME}-bucket-1234567",
            "DestinationBucket": f"{NAME}-replica-bucket-1234567",
            "RuleId": "entire-bucket",
        }
    )
    assert (late["metricName"], late["threshold"], late["region"]) == ("ReplicationLatency", 900, "ap-northeast-3")
    assert late["alarmActions"] == [THERE.warning]
    assert (failed["metricName"], failed["threshold"]) == ("OperationsFailedReplication", 0)
    assert (failed.get("region"), failed["alarmActions"]) == (None, [TOPICS.critical])


def test_a_bucket_without_a_copy_has_no_such_alarms(recorder: Recorder) -> None:
    recorder.run(lambda: bucket().alarms(TOPICS, THERE))
    assert not recorder.of(":MetricAlarm")


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "field", "part"),
    [
        ({"receives_logs_from": ["alb"], "encryption": "s3"}, "receives_logs_from[0]", "use s3, vpc-flow-logs, elb"),
        ({"receives_logs_from": ["elb"]}, "encryption", "use s3"),
        ({"mfa_delete": True, "versioning": False}, "versioning", "which work on versions"),
        ({"mfa_delete": True, "noncurrent_days": 7}, "noncurrent_days", "S3 refuses with mfaDelete"),
        ({"mfa_delete": True, "intelligent_tiering": True}, "intelligent_tiering", "S3 refuses with mfaDelete"),
        ({"mfa_delete": True, "retention": "ephemeral"}, "mfa_delete", "cannot be torn down"),
        ({"replicate_deletions": True}, "replicate_deletions", "add replicateTo"),
        ({"replication_time_control": True}, "replication_time_control", "add replicateTo"),
        ({"noncurrent_days": 0}, "noncurrent_days", "1 to 36500 days"),
        ({"abort_uploads_days": 0}, "abort_uploads_days", "1 to 36500 days"),
        (
            {"lifecycle": [LifecycleRule(delete_after_days=1), LifecycleRule(delete_after_days=2)]},
            "lifecycle",
            "two rules for the same prefix",
        ),
        (
            {"lifecycle": [LifecycleRule(transitions={"GLACIER": 1})], "intelligent_tiering": True},
            "intelligent_tiering",
            "choose one",
        ),
        (
            {"versioning": False, "object_lock": ObjectLock(mode="GOVERNANCE", days=1)},
            "versioning",
            "which work on versions",
        ),
        (
            {"retention": "ephemeral", "object_lock": ObjectLock(mode="COMPLIANCE", days=1)},
            "object_lock.mode",
            "use GOVERNANCE",
        ),
        (
            {
                "encryption": "s3",
                "receives_logs_from": ["s3"],
                "object_lock": ObjectLock(mode="GOVERNANCE", days=1),
            },
            "object_lock.mode",
            "another bucket",
        ),
    ],
)
def test_a_bucket_that_cannot_work_is_refused(args: dict[str, Any], field: str, part: str) -> None:
    with pytest.raises(ArgumentError, match=part) as refusal:
        BucketArgs(**args)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("given", "field", "part"),
    [
        ({**OURS, "encryption": "s3"}, "key", "leave one of them out"),
        ({**OURS, "replicate_to": "ap-northeast-3"}, "replicate_to", "give key and replica_key"),
        ({"replicate_to": "ap-northeast-3"}, "replicate_to", "keys of your own"),
    ],
)
def test_keys_that_cannot_work_are_refused(given: dict[str, Any], field: str, part: str, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=part) as refusal:
        build(recorder, **given)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("args", "field", "part"),
    [
        ({}, "transitions", "deletes nothing"),
        ({"transitions": {"GLACIR": 90}}, "transitions.GLACIR", "use STANDARD_IA, .* or DEEP_ARCHIVE"),
        ({"transitions": {"STANDARD_IA": 10}}, "transitions.STANDARD_IA", "after 30 days"),
        ({"transitions": {"GLACIER": 90}, "delete_after_days": 90}, "delete_after_days", "at 90 days"),
        ({"delete_after_days": 0}, "delete_after_days", "1 to 36500 days"),
        ({"transitions": {"STANDARD_IA": 30, "GLACIER": 45}}, "transitions.GLACIER", "use 60 or more"),
        ({"transitions": {"DEEP_ARCHIVE": 30, "GLACIER": 90}}, "transitions.DEEP_ARCHIVE", "use 91 or more"),
    ],
)
def test_an_age_that_s3_would_refuse_is_refused(args: dict[str, Any], field: str, part: str) -> None:
    with pytest.raises(ArgumentError, match=part) as refusal:
        LifecycleRule(**args)
    assert refusal.value.field == field


@pytest.mark.parametrize(("mode", "days"), [("NONE", 1), ("GOVERNANCE", 0)])
def test_an_object_lock_that_does_not_exist_is_refused(mode: Any, days: int) -> None:
    with pytest.raises(ArgumentError, match="is not allowed"):
        ObjectLock(mode=mode, days=days)


def test_a_preview_survives_unknown_ids(previewer: Recorder) -> None:
    build(previewer, **COPIED, intelligent_tiering=True)
    assert previewer.one(":BucketReplicationConfig")
