"""A service in a network of its own, reached by nobody, that reaches AWS by endpoints."""

import pulumi
from kumiki.components import Cluster, ClusterArgs, Image, Service, ServiceArgs, Vpc, VpcArgs

prefix = f"site-{pulumi.get_stack()}"
wanted = VpcArgs.model_validate(pulumi.Config("site").require_object("network"))

network = Vpc(f"{prefix}-network", wanted)
service = Service(
    f"{prefix}-worker",
    ServiceArgs(command=["python", "-m", "site.worker"]),
    cluster=Cluster(f"{prefix}-cluster", ClusterArgs()),
    network=network,
    image=Image(uri="123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/site:1.0.0"),
)

pulumi.export("vpcId", network.vpc_id)
