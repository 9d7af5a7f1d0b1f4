"""The files of a folder of jobs, in a bucket: the scripts, and an archive of what they import."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from ..args import ComponentArgs
from ..component import Component
from ..data.bucket import Bucket
from ..errors import Mistake, nearest
from ..identity.key import AnyKey

LIBRARY: Final = "library.zip"
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip file knows; with the real ones, every checkout would give other bytes."""


class JobCodeArgs(ComponentArgs):
    """The files of a folder of jobs."""

    folder: Path
    """A Python package: its files are importable in a job under the folder's name."""

    scripts: list[str]
    """Those of its files that jobs start with, such as `logs.py`."""

    files: dict[str, str] = {}
    """Further files of the package, name → content, such as a certificate: jobs read them as resources of it."""

    def mistakes(self) -> Iterator[Mistake]:
        there = sorted(path.name for path in self.folder.glob("*.py"))
        for script in self.scripts:
            if script not in there:
                hint = nearest(script, there)
                yield Mistake("scripts", script, f"is not in {self.folder.name}/; {hint}it has {', '.join(there)}")


class JobCode(Component):
    """The scripts and their library, in a folder of the bucket named after their content.

    A run that has begun keeps its version, and no run mixes two.
    """

    CHILDREN = ("object",)

    url: pulumi.Output[str]
    """`s3://bucket/<content>/`"""
    bucket_arn: pulumi.Output[str]
    key: AnyKey | None
    objects: list[aws.s3.BucketObjectv2]
    """They must be there before a job may run."""

    def __init__(
        self,
        name: str,
        args: JobCodeArgs,
        *,
        bucket: Bucket,
        key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param bucket: Where they are kept.
        :param key: What encrypts the bucket.
        """
        super().__init__(name, args, opts)
        child = self._child
        files = {path.name: path.read_bytes() for path in sorted(args.folder.glob("*.py"))}
        library = _zipped(args.folder.name, files | {name: text.encode() for name, text in args.files.items()})
        folder = hashlib.sha256(library).hexdigest()[:16]
        contents: dict[str, dict[str, Any]] = {LIBRARY: {"content_base64": base64.b64encode(library).decode()}}
        contents |= {script: {"content": files[script].decode()} for script in args.scripts}
        self.objects = [
            aws.s3.BucketObjectv2(
                f"{name}-{Path(file).stem}-object",
                bucket=bucket.name,
                key=f"{folder}/{file}",
                opts=child("object"),
                **content,
            )
            for file, content in sorted(contents.items())
        ]
        self.url = pulumi.Output.concat("s3://", bucket.name, f"/{folder}/")
        self.bucket_arn, self.key = bucket.arn, key
        self.register_outputs({"url": self.url})


def _zipped(package: str, files: Mapping[str, bytes]) -> bytes:
    """The same bytes for the same files, on every machine."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in sorted(files.items()):
            # Stored as it is: how well zlib packs depends on its version.
            archive.writestr(zipfile.ZipInfo(f"{package}/{name}", _EARLIEST), content)
    return target.getvalue()
