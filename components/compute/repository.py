"""Where the images of one service lie: ECR, scanned on push, with tags that never move.

Use: repository = Repository("wiki-dev-api", RepositoryArgs(), key=key)
     repository.grant_push(deploy_role)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..args import ComponentArgs
from ..component import Component
from ..identity.key import AnyKey
from ..policy import statement
from ..retention import Retention

PULL_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH_ACTIONS = (
    *PULL_ACTIONS,
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)

RAN = "ran-"
"""With what the second tag begins that a deployment gives to an image once it runs (.github/scripts/image.sh)."""
_UNTRIED = 2
"""One that is being deployed, and one that is pushed meanwhile."""


KeepImages = Annotated[int, Field(ge=1, le=1000)]


class RepositoryArgs(ComponentArgs):
    """An ECR repository. Images cost $0.10 a GB and month."""

    keep_images: KeepImages = 10
    """How many images that have run stay, the running one among them: so far back a roll-back can go. Those that were
    pushed and never ran are deleted first, all but the latest ones."""

    retention: Retention = "protected"
    """protected: cannot be deleted. ephemeral: it is, with all its images."""


class Repository(Component):
    """Images under tags that cannot be moved: what was tested is what runs."""

    CHILDREN = ("repository", "lifecycle", "grant")

    url: pulumi.Output[str]
    """`account.dkr.ecr.region.amazonaws.com/name`, without a tag."""
    arn: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: RepositoryArgs,
        *,
        key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param key: What encrypts the images. Without one, the AWS-managed key of ECR. A change replaces the repository.
        """
        super().__init__(name, args, opts)
        protected = args.retention == "protected"
        repository = aws.ecr.Repository(
            f"{name}-repository",
            # People and pipelines push to it by name.
            name=name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(
                    encryption_type="KMS", kms_key=key.arn if key is not None else None
                )
            ],
            force_delete=not protected,
            opts=self._child("repository", protect=protected),
        )
        aws.ecr.LifecyclePolicy(
            f"{name}-lifecycle",
            repository=repository.name,
            policy=json.dumps(_keep(args.keep_images), sort_keys=True),
            opts=self._child("lifecycle"),
        )
        self.url, self.arn, self.name = repository.repository_url, repository.arn, repository.name
        self.register_outputs({"url": self.url})

    def grant_pull(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` fetch images, and nothing more."""
        return self._grant(role, "pull", PULL_ACTIONS)

    def grant_push(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` add images and see them, and nothing more: it can delete none, and move no tag."""
        return self._grant(role, "push", PUSH_ACTIONS)

    def _grant(self, role: aws.iam.Role, verb: str, actions: Sequence[str]) -> aws.iam.RolePolicy:
        # A token for the registry; the action knows no resource.
        login = statement("LogIn", actions="ecr:GetAuthorizationToken", resources="*")
        images = statement(f"{verb.capitalize()}Images", actions=actions, resources=self.arn)
        return self._allow(role, verb, login, images)


def _keep(images: int) -> dict[str, object]:
    # The first rule that an image falls under decides alone; by age only, failed deployments would push out the image
    # that runs. https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
    return {
        "rules": [
            _latest(1, images, "that have run", tagStatus="tagged", tagPrefixList=[RAN]),
            _latest(2, _UNTRIED, "that have not run yet", tagStatus="any"),
        ]
    }


def _latest(priority: int, images: int, which: str, **selection: object) -> dict[str, object]:
    return {
        "rulePriority": priority,
        "description": f"Keep the latest {images} images {which}",
        "selection": {**selection, "countType": "imageCountMoreThan", "countNumber": images},
        "action": {"type": "expire"},
    }
