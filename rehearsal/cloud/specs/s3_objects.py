"""Objects in buckets, whose tags go with them as a query string."""

from __future__ import annotations

from base64 import b64decode
from typing import Any, Final
from urllib.parse import urlencode

from rehearsal.cloud.creation import Code, Making, Spec


def _put(making: Making) -> dict[str, Any]:
    inputs = making.inputs
    body = b64decode(inputs["contentBase64"]) if "contentBase64" in inputs else inputs["content"].encode()
    request: dict[str, Any] = {"Bucket": inputs["bucket"], "Key": inputs["key"], "Body": body}
    for key in ("contentType", "cacheControl"):
        if key in inputs:
            request[f"{key[0].upper()}{key[1:]}"] = inputs[key]
    if making.tags:
        request["Tagging"] = urlencode(sorted(making.tags.items()))
    return making.call("PutObject", request)


SPECS: Final[dict[str, Spec]] = {
    "aws:s3/bucketObjectv2:BucketObjectv2": Spec(
        service="s3",
        create=Code(_put, reads=("bucket", "key", "content", "contentBase64", "contentType", "cacheControl")),
        id="{bucket}/{key}",
        outputs={"arn": "arn:{partition}:s3:::{bucket}/{key}"},
    ),
}
