"""Where the engine keeps a stack's state: an S3 bucket, and the key of the secrets in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from changes.model import ChangeError
from permissions.policies import Statement

_ELSEWHERE: Final = ("https://", "http://", "file://", "gs://", "azblob://", "postgres://")
"""What `pulumi login` takes besides, and what asks nothing of AWS."""
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True)
class Backend:
    """The bucket and the key; none for Pulumi Cloud, a local folder, or where nobody says."""

    bucket: str = ""
    prefix: str = ""
    key: str = ""
    """An alias (`alias/…`), or an ARN or id of a key."""
    region: str = ""
    account: str = "123456789012"

    def statements(self, purpose: str) -> Iterator[Statement]:
        """`pulumi preview` takes no lock and writes nothing: pkg/backend/diy of the engine."""
        if self.bucket:
            bucket = f"arn:aws:s3:::{self.bucket}"
            yield Statement({"s3:GetBucketLocation", "s3:ListBucket"}, frozenset({bucket}))
            objects = {"s3:GetObject"} | (set() if purpose == "preview" else {"s3:DeleteObject", "s3:PutObject"})
            yield Statement(objects, frozenset({f"{bucket}/{self.prefix}.pulumi/*"}))
        if self.key:
            doing = {"kms:Decrypt"} | (set() if purpose == "preview" else {"kms:Encrypt", "kms:GenerateDataKey"})
            if self.key.startswith("alias/"):
                yield Statement(
                    doing,
                    frozenset({f"arn:aws:kms:{self.region}:{self.account}:key/*"}),
                    {"ForAnyValue:StringEquals": {"kms:ResourceAliases": self.key}},
                )
            else:
                named = self.key if self.key.startswith("arn:") else ""
                yield Statement(doing, frozenset({named or f"arn:aws:kms:{self.region}:{self.account}:key/{self.key}"}))


NO_BACKEND: Final = Backend()


def backend(url: str, secrets_provider: str, region: str, account: str) -> Backend:
    """From what `pulumi login` and `pulumi stack init --secrets-provider` take.

    Raises `ChangeError` for what is no backend.
    """
    bucket = prefix = key = ""
    if url.startswith("s3://"):
        parts = urlsplit(url)
        bucket, prefix = parts.netloc, parts.path.strip("/")
        prefix = f"{prefix}/" if prefix else ""
        if _BUCKET.fullmatch(bucket) is None:
            raise ChangeError(f"--state {url}: {bucket!r} is no name of a bucket", "write s3://BUCKET?region=REGION")
    elif url and not url.startswith(_ELSEWHERE):
        raise ChangeError(f"--state {url}: this is no backend", "write s3://BUCKET, or what else `pulumi login` takes")
    if secrets_provider.startswith("awskms:"):
        parts = urlsplit(secrets_provider)
        key = f"{parts.netloc}{parts.path}".strip("/")
        region = parse_qs(parts.query).get("region", [region])[0]
    return Backend(bucket, prefix, key, region, account)


def said(project: dict[str, Any], stack: dict[str, Any]) -> tuple[str, str]:
    """The backend's URL in Pulumi.yaml, and the secrets provider in the stack's file."""
    where = project.get("backend")
    url = where.get("url", "") if isinstance(where, dict) else ""
    return str(url), str(stack.get("secretsprovider", ""))
