"""Streams of records."""

from __future__ import annotations

from typing import Final

from rehearsal.cloud.creation import Call, Spec

SPECS: Final[dict[str, Spec]] = {
    "aws:kinesis/stream:Stream": Spec(
        service="kinesis",
        create=Call(operation="CreateStream", takes={"name": "StreamName"}),
        id="arn:{partition}:kinesis:{region}:{account}:stream/{name}",
        autoname="name",
        left_out={"enforceConsumerDeletion": "read by the provider on deletion"},
        then=[
            Call(
                operation="IncreaseStreamRetentionPeriod",
                takes={"retentionPeriod": "RetentionPeriodHours"},
                fixed={"StreamName": "{name}"},
            ),
            Call(
                operation="StartStreamEncryption",
                takes={"encryptionType": "EncryptionType", "kmsKeyId": "KeyId"},
                fixed={"StreamName": "{name}"},
            ),
            Call(
                operation="EnableEnhancedMonitoring",
                takes={"shardLevelMetrics": "ShardLevelMetrics"},
                fixed={"StreamName": "{name}"},
            ),
        ],
        outputs={"arn": "arn:{partition}:kinesis:{region}:{account}:stream/{name}"},
    ),
}
