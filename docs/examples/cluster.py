"""A cluster that runs three of four tasks on Fargate Spot, and at least one of each service on demand."""

from components.compute.cluster import Cluster, ClusterArgs

Cluster("wiki-dev-cluster", ClusterArgs(fargate_base=1, fargate_weight=1, spot_weight=3))
