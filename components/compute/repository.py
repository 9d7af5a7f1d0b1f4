"""Where the images of one service lie: ECR, scanned on push, with tags that never move.

Use: repository = Repository("wiki-dev-api", RepositoryArgs(key_arn=key.arn))
     repository.grant_push(deploy_role)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.children import Children, Transform
from components.policy import document, statement
from components.refusal import Refusal
from components.retention import Retention

PULL_ACTIONS = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
PUSH_ACTIONS = (
    *PULL_ACTIONS,
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)


@dataclass(frozen=True, kw_only=True)
class RepositoryArgs:
    """What the caller decides about a repository. Images cost $0.10 a GB and month."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the images. None: the key that AWS manages for ECR. A change replaces the repository."""

    keep_images: int = 10
    """How many images stay; older ones are deleted, so this is also how far back a roll-back can go."""

    retention: Retention = "protected"
    """protected: cannot be deleted. ephemeral: it is, with all its images."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if not 1 <= self.keep_images <= 1000:
            raise Refusal("keep_images", self.keep_images, "is not allowed; use 1 to 1000")


class Repository(pulumi.ComponentResource):
    """Images under tags that cannot be moved: what was tested is what runs."""

    CHILDREN = ("repository", "lifecycle", "grant")

    url: pulumi.Output[str]
    """`account.dkr.ecr.region.amazonaws.com/name`, without a tag."""
    arn: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(self, name: str, args: RepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:compute:Repository", name, None, opts)
        self._prefix = name
        self._child = Children(self, args.transform, self.CHILDREN)
        protected = args.retention == "protected"
        repository = aws.ecr.Repository(
            f"{name}-repository",
            # People and pipelines push to it by name.
            name=name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=args.key_arn)
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

    def grant_pull(self, role: aws.iam.Role) -> None:
        """Let `role` fetch images, and nothing more."""
        self._grant(role, "pull", PULL_ACTIONS)

    def grant_push(self, role: aws.iam.Role) -> None:
        """Let `role` add images and see them, and nothing more: it can delete none, and move no tag."""
        self._grant(role, "push", PUSH_ACTIONS)

    def _grant(self, role: aws.iam.Role, verb: str, actions: Sequence[str]) -> None:
        aws.iam.RolePolicy(
            f"{self._prefix}-{verb}-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(
                # A token for the registry; the action knows no resource.
                statement("LogIn", actions="ecr:GetAuthorizationToken", resources="*"),
                statement(f"{verb.capitalize()}Images", actions=actions, resources=self.arn),
            ),
            opts=self._child("grant"),
        )


def _keep(images: int) -> dict[str, object]:
    return {
        "rules": [
            {
                "rulePriority": 1,
                "description": f"Keep the latest {images} images",
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": images},
                "action": {"type": "expire"},
            }
        ]
    }
