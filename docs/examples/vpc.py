"""A network in two zones without NAT, in which tasks of Fargate start by endpoints; its flow logs go to a bucket."""

from components.data.bucket import Bucket, BucketArgs
from components.network.flow_logs import FlowLogs
from components.network.vpc import Vpc, VpcArgs

archive = Bucket("wiki-dev-log-archive", BucketArgs(encryption="s3", receives_logs_from=["vpc-flow-logs"]))
args = VpcArgs(zones=2, endpoints=["ecsPrivate"], flow_logs=FlowLogs(destination="s3"))
Vpc("wiki-dev-network", args, log_archive=archive)
