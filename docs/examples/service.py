"""A worker on Fargate Spot that has between one and four tasks, by the CPU that they use."""

from components.compute.cluster import Cluster, ClusterArgs
from components.compute.live_image import Image
from components.compute.scaling import Scaling
from components.compute.service import Service
from components.compute.service_args import ServiceArgs
from components.network.vpc import Vpc, VpcArgs

network = Vpc("wiki-dev-network", VpcArgs(zones=2, endpoints=["ecsPrivate"]))
cluster = Cluster("wiki-dev-cluster", ClusterArgs())
Service(
    "wiki-dev-worker",
    ServiceArgs(command=["python", "-m", "wiki.worker"], scaling=Scaling(minimum=1, maximum=4), spot_weight=1),
    cluster=cluster,
    network=network,
    image=Image(uri="123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/wiki:1.4.2"),
)
