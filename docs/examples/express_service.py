"""A web application at an address of AWS's, behind a load balancer that ECS makes."""

from components.compute.cluster import Cluster, ClusterArgs
from components.compute.express_args import ExpressScaling, ExpressServiceArgs
from components.compute.express_service import ExpressService
from components.compute.live_image import Image
from components.network.vpc import Vpc, VpcArgs

network = Vpc("wiki-dev-network", VpcArgs(zones=2, endpoints=["ecsPrivate"]))
ExpressService(
    "wiki-dev-simple",
    ExpressServiceArgs(port=8000, scaling=ExpressScaling(minimum=1, maximum=4, measure="requests", target=600)),
    cluster=Cluster("wiki-dev-cluster", ClusterArgs()),
    network=network,
    image=Image(uri="123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/wiki:1.4.2"),
)
