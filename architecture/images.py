"""The images that deployments bring, each in a repository of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from components.compute.live_image import LiveImage, LiveImageArgs
from components.compute.repository import Repository, RepositoryArgs

if TYPE_CHECKING:
    from architecture.context import Context

PLATFORMS: Final = {"ARM64": "linux/arm64", "X86_64": "linux/amd64"}
"""Fargate's architectures, as Docker calls them."""


@dataclass(frozen=True, kw_only=True)
class DeployedImage:
    """An image that a pipeline builds, and the parameter in which it writes which one is to run."""

    repository: Repository
    live: LiveImage
    parameter: str
    source: str
    """The folder of its Dockerfile."""
    platform: str


def own_repository(ctx: Context, name: str, keep_images: int) -> Repository:
    """Where the images of a service lie that has its own."""
    args = RepositoryArgs(keep_images=keep_images, retention=ctx.settings.retention)
    return Repository(ctx.name(name), args, key=ctx.keys.data, opts=ctx.opts)


def deployed_image(
    ctx: Context,
    name: str,
    repository: Repository,
    *,
    first_tag: str,
    source: str,
    architecture: Literal["ARM64", "X86_64"],
) -> DeployedImage:
    """The image of a service of this name, which deployments bring."""
    parameter = f"{ctx.path}/{name}/image-tag"
    return DeployedImage(
        repository=repository,
        live=LiveImage(
            ctx.name(name),
            LiveImageArgs(parameter=parameter, first_tag=first_tag),
            repository=repository,
            # Set where a pipeline plans what somebody approves before it is chosen (.github/scripts/stack.sh).
            planned_tag=os.environ.get("PLANNED_IMAGE_TAG"),
            opts=ctx.opts,
        ),
        parameter=parameter,
        source=source,
        platform=PLATFORMS[architecture],
    )
