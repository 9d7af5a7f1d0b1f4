"""Which image of a repository runs: a parameter that deployments write, and that every update reads.

Use: live = LiveImage("wiki-dev-api", LiveImageArgs(parameter="/wiki/dev/api/image-tag", first_tag="1.4.2"),
                      repository=repository)
     Service("wiki-dev-api", ServiceArgs(...), image=Image.of(live), ...)

The stack's file cannot say it: a pipeline deploys many commits a day, and whoever then ran `pulumi up` by hand would
take all of them back.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError
from .fargate import check_image, ecr_repository
from .repository import RAN, Repository


class LiveImageArgs(ComponentArgs):
    """The tag that runs, in a free SSM parameter."""

    parameter: str
    """The name of the SSM parameter that holds the tag, such as `/wiki/dev/api/image-tag`."""

    first_tag: str
    """What it holds until a deployment writes another tag."""


class LiveImage(Component):
    """The tag that is to run, as it stands in the account at the time of the update."""

    CHILDREN = ("tag",)

    repository: Repository
    uri: pulumi.Output[str]
    """The repository with the tag."""
    is_there: pulumi.Output[bool]
    """Whether the repository has that image. False only while no image of it has run and no deployment has chosen one;
    any other image that lacks is refused."""
    parameter_arn: pulumi.Output[str]
    """The parameter, known before any image is there."""

    def __init__(
        self,
        name: str,
        args: LiveImageArgs,
        *,
        repository: Repository,
        planned_tag: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param repository: Where the images lie.
        :param planned_tag: What is to run although the parameter does not say so yet: for a plan that is approved
            before the tag is written.
        """
        super().__init__(name, args, opts)
        self.repository = repository
        parameter = aws.ssm.Parameter(
            f"{name}-image-tag-parameter",
            name=args.parameter,
            type="String",
            insecure_value=args.first_tag,
            description=f"The tag of the image that {name} runs; written by deployments",
            # Where anything but tags is changed, the provider writes the value again, as the state knows it: without a
            # refresh that of an older deployment (terraform-provider-aws, internal/service/ssm/parameter.go).
            opts=self._child("tag", ignore_changes=["insecure_value", "description"]),
        )
        # Asked anew in each run, because the state knows only what the last update saw. The ARNs, because they are
        # unknown until there is something to ask for.
        asks = pulumi.InvokeOptions(parent=self)
        tag = (
            pulumi.Output.from_input(planned_tag)
            if planned_tag is not None
            else aws.ssm.get_parameter_output(
                name=parameter.arn.apply(lambda _: args.parameter), opts=asks
            ).insecure_value
        )
        tags = aws.ecr.get_images_output(
            repository_name=pulumi.Output.all(repository.name, repository.arn).apply(lambda both: both[0]),
            opts=asks,
        ).image_ids.apply(lambda found: [image.image_tag for image in found])
        self.uri = pulumi.Output.concat(repository.url, ":", tag)
        self.is_there = pulumi.Output.all(tag, tags, repository.name).apply(
            lambda known: _is_there(known[0], known[1], known[2], args)
        )
        self.parameter_arn = Account.of(self).arn("ssm", f"parameter{args.parameter}")
        self.register_outputs({"uri": self.uri})


@dataclass(frozen=True, kw_only=True)
class Image:
    """The image that a service runs."""

    uri: pulumi.Input[str]
    """With a tag or a digest; where the text is known it is checked."""

    repository: Repository | None = None
    """Where it lies, if in a repository of this stack."""

    is_there: pulumi.Input[bool] = True
    """Whether tasks can start with it: an update waits for them only then."""

    def __post_init__(self) -> None:
        if isinstance(self.uri, str):
            try:
                check_image(self.uri)
            except ValueError as error:
                raise ArgumentError("image", self.uri, str(error)) from None

    @staticmethod
    def of(live: LiveImage) -> Image:
        """The one that is to run now."""
        return Image(uri=live.uri, repository=live.repository, is_there=live.is_there)

    def repository_arn(self, account: Account) -> pulumi.Output[str] | None:
        """The ECR repository to pull it from; None for an image that needs no permission."""
        if self.repository is not None:
            return self.repository.arn
        found = ecr_repository(self.uri) if isinstance(self.uri, str) else None
        return ecr_arn(account, *found) if found is not None else None


def ecr_arn(account: Account, owner: str, region: pulumi.Input[str], repository: str) -> pulumi.Output[str]:
    """The ARN of a repository of any account's."""
    return pulumi.Output.format("arn:{}:ecr:{}:{}:repository/{}", account.partition, region, owner, repository)


def _is_there(tag: str, tags: list[str | None], repository: str, args: LiveImageArgs) -> bool:
    if tag != args.first_tag:
        pulumi.log.info(
            f"{repository} runs {tag}, as a deployment wrote into the parameter {args.parameter}; "
            f"{args.first_tag} of the stack's file is only what a new stack begins with"
        )
    if tag in tags:
        return True
    ran = sorted(each.removeprefix(RAN) for each in tags if each and each.startswith(RAN))
    # Images of first deployments that failed may lie there; what made them fail may take an update to mend.
    if not tags or (tag == args.first_tag and not ran):
        return False
    known = ", ".join((ran or sorted(each for each in tags if each))[-5:]) or "none with a tag"
    raise pulumi.RunError(
        f"the repository {repository} has no image {tag}, which the parameter {args.parameter} wants to run; "
        f"push it, or write a tag that is there ({known}): "
        f"aws ssm put-parameter --overwrite --name {args.parameter} --value TAG"
    )
