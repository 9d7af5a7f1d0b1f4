"""One small server in a public subnet, that runs an image and answers CloudFront alone."""

from pathlib import Path

from components.compute.free_tier_host import FreeTierHost, FreeTierHostArgs
from components.compute.repository import Repository, RepositoryArgs
from components.network.vpc import Vpc, VpcArgs

network = Vpc("wiki-dev-network", VpcArgs(zones=1, tiers=["public"], nat="none"))
repository = Repository("wiki-dev-api", RepositoryArgs())

host = FreeTierHost(
    "wiki-dev-host",
    FreeTierHostArgs(tag="1.0.0"),
    network=network,
    repository=repository,
    files=Path("workloads/host"),
    environment="dev",
    parameter_path="/wiki/dev",
)
repository.grant_pull(host.role)
