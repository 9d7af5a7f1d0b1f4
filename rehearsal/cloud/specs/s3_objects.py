"""Objects in buckets, whose tags go with them as a query string."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from rehearsal.cloud.creation import Code, Making, Spec


def _put(making: Making) -> dict[str, Any]:
    inputs = making.inputs
    request: dict[str, Any] = {"Bucket": inputs["bucket"], "Key": inputs["key"], "Body": inputs["content"].encode()}
    if "contentType" in inputs:
        request["ContentType"] = inputs["contentType"]
    if making.tags:
        request["Tagging"] = urlencode(sorted(making.tags.items()))
    return making.call("PutObject", request)


SPECS: Final[dict[str, Spec]] = {
    "aws:s3/bucketObjectv2:BucketObjectv2": Spec(
        service="s3",
        create=Code(_put, reads=("bucket", "key", "content", "contentType")),
        id="{bucket}/{key}",
        outputs={"arn": "arn:{partition}:s3:::{bucket}/{key}"},
    ),
}
