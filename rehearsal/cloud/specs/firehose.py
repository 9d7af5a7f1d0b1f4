"""Firehose: delivery streams into S3."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec


def _stream(inputs: dict[str, Any]) -> dict[str, Any]:
    """Buffering and encryption are plain inputs for the provider, and structures for AWS."""
    shaped = {key: value for key, value in inputs.items() if key not in _ASIDE}
    shaped["deliveryStreamName"] = inputs["name"]
    if "extendedS3Configuration" in inputs:
        shaped["extendedS3DestinationConfiguration"] = _to_s3(inputs["extendedS3Configuration"])
    encryption = inputs.get("serverSideEncryption", {})
    if encryption.get("enabled"):
        shaped["deliveryStreamEncryptionConfigurationInput"] = {
            key: value for key, value in encryption.items() if key != "enabled"
        }
    return shaped


_ASIDE: Final = ("name", "destination", "extendedS3Configuration", "serverSideEncryption")


def _to_s3(inputs: dict[str, Any]) -> dict[str, Any]:
    hints = {"bufferingInterval": "intervalInSeconds", "bufferingSize": "sizeInMBs"}
    shaped = {key: value for key, value in inputs.items() if key not in (*hints, "kmsKeyArn")}
    given = {name: inputs[key] for key, name in hints.items() if key in inputs}
    if given:
        shaped["bufferingHints"] = given
    if "kmsKeyArn" in inputs:
        shaped["encryptionConfiguration"] = {"KMSEncryptionConfig": {"AWSKMSKeyARN": inputs["kmsKeyArn"]}}
    return shaped


SPECS: Final[dict[str, Spec]] = {
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": Spec(
        service="firehose",
        create=Call(operation="CreateDeliveryStream", reshape=_stream),
        id="DeliveryStreamARN",
        autoname="name",
        outputs={"arn": "DeliveryStreamARN"},
    ),
}
