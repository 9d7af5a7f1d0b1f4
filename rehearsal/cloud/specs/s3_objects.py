"""Objects in buckets, whose tags go with them as a query string."""

from __future__ import annotations

from base64 import b64decode
from typing import Any, Final
from urllib.parse import urlencode

from rehearsal.cloud.archives import asset
from rehearsal.cloud.creation import Code, CreateContext, Spec

_MEMBERS: Final = {
    "cacheControl": "CacheControl",
    "contentDisposition": "ContentDisposition",
    "contentEncoding": "ContentEncoding",
    "contentLanguage": "ContentLanguage",
    "contentType": "ContentType",
    "kmsKeyId": "SSEKMSKeyId",
    "metadata": "Metadata",
    "serverSideEncryption": "ServerSideEncryption",
    "storageClass": "StorageClass",
    "websiteRedirect": "WebsiteRedirectLocation",
}


def _put(context: CreateContext) -> dict[str, Any]:
    inputs = context.inputs
    request: dict[str, Any] = {"Bucket": inputs["bucket"], "Key": inputs["key"], "Body": _body(inputs)}
    request |= {member: inputs[key] for key, member in _MEMBERS.items() if key in inputs}
    if context.tags:
        request["Tagging"] = urlencode(sorted(context.tags.items()))
    return context.call("PutObject", request)


def _body(inputs: dict[str, Any]) -> bytes:
    if "contentBase64" in inputs:
        return b64decode(inputs["contentBase64"])
    if "source" in inputs:
        return asset(inputs["source"])
    return str(inputs.get("content", "")).encode()


_OBJECT: Final = Spec(
    service="s3",
    create=Code(_put, reads=("bucket", "key", "content", "contentBase64", "source", *_MEMBERS)),
    id="{bucket}/{key}",
    autoname="key",
    autoname_form=lambda name, _given: name.rpartition("-")[0],
    left_out={
        "etag": "by which the provider sees a changed file",
        "sourceHash": "by which the provider sees a changed file",
    },
    outputs={"arn": "arn:{partition}:s3:::{bucket}/{key}"},
)

SPECS: Final[dict[str, Spec]] = {
    "aws:s3/bucketObject:BucketObject": _OBJECT,
    "aws:s3/bucketObjectv2:BucketObjectv2": _OBJECT,
}
