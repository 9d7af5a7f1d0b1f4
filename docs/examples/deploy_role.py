"""A role with which jobs of the GitHub environment dev push images of one repository, and may do nothing else."""

from components.compute.repository import Repository, RepositoryArgs
from components.delivery.deploy_role import DeployRole, DeployRoleArgs
from components.delivery.deployed import Deployed

repository = Repository("wiki-dev-api", RepositoryArgs())
args = DeployRoleArgs(repository="acme/wiki", github_environment="dev")
DeployRole("wiki-dev-delivery", args, deployed=Deployed(image_repositories=[repository.arn]))
