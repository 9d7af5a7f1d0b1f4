"""The files of a folder of jobs, in a bucket: the scripts, and an archive of what they import."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from components.children import Children, Transform
from components.data.bucket import Bucket
from components.refusal import Refusal, nearest

LIBRARY: Final = "library.zip"
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file knows; with the real ones, every checkout would give other bytes."""


@dataclass(frozen=True, kw_only=True)
class JobCodeArgs:
    """What the caller decides about the code."""

    folder: Path
    """A Python package: its files are importable in a job under the folder's name."""

    scripts: Sequence[str]
    """Those of its files that jobs start with, such as `logs.py`."""

    files: Mapping[str, str] = field(default_factory=dict)
    """Further files of the package, name → content, such as a certificate: jobs read them as resources of it."""

    bucket: Bucket
    """Where it is kept."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the bucket."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        there = sorted(path.name for path in self.folder.glob("*.py"))
        for script in self.scripts:
            if script not in there:
                raise Refusal(
                    "scripts",
                    script,
                    f"is not in {self.folder.name}/; {nearest(script, there)}it has {', '.join(there)}",
                )


class JobCode(pulumi.ComponentResource):
    """The scripts and their library, in a folder of the bucket named after their content.

    A run that has begun keeps its version, and no run mixes two.
    """

    CHILDREN = ("object",)

    url: pulumi.Output[str]
    """`s3://bucket/<content>/`"""
    bucket_arn: pulumi.Output[str]
    key_arn: pulumi.Input[str] | None
    objects: list[aws.s3.BucketObjectv2]
    """They must be there before a job may run."""

    def __init__(self, name: str, args: JobCodeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:analytics:JobCode", name, None, opts)
        child = Children(self, args.transform, self.CHILDREN)
        files = {path.name: path.read_bytes() for path in sorted(args.folder.glob("*.py"))}
        library = _zipped(args.folder.name, files | {name: text.encode() for name, text in args.files.items()})
        folder = hashlib.sha256(library).hexdigest()[:16]
        contents: dict[str, dict[str, Any]] = {LIBRARY: {"content_base64": base64.b64encode(library).decode()}}
        contents |= {script: {"content": files[script].decode()} for script in args.scripts}
        self.objects = [
            aws.s3.BucketObjectv2(
                f"{name}-{Path(file).stem}-object",
                bucket=args.bucket.name,
                key=f"{folder}/{file}",
                opts=child("object"),
                **content,
            )
            for file, content in sorted(contents.items())
        ]
        self.url = pulumi.Output.concat("s3://", args.bucket.name, f"/{folder}/")
        self.bucket_arn, self.key_arn = args.bucket.arn, args.key_arn
        self.register_outputs({"url": self.url})


def _zipped(package: str, files: Mapping[str, bytes]) -> bytes:
    """The same bytes for the same files, on every machine."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in sorted(files.items()):
            # Stored as it is: how well zlib packs depends on its version.
            archive.writestr(zipfile.ZipInfo(f"{package}/{name}", _EARLIEST), content)
    return target.getvalue()
