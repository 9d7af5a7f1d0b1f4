"""What is counted for a whole stack and is no one resource's: who of several bears it, so that it is counted once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from costs.model import CostComponent, Resource, by_use
from costs.stack import Stack

_TRAVELLERS: Final = (
    "ec2/instance:Instance",
    "ec2/spotInstanceRequest:SpotInstanceRequest",
    "autoscaling/group:Group",
    "eks/nodeGroup:NodeGroup",
    "ecs/service:Service",
    "ecs/expressGatewayService:ExpressGatewayService",
    "apprunner/service:Service",
    "lambda/function:Function",
)
"""What sends data. Of several types the first one does that the stack has."""

_BURSTING: Final = {
    "ec2/instance:Instance": "ec2.cpu_credit_vcpu_hour",
    "ec2/spotInstanceRequest:SpotInstanceRequest": "ec2.cpu_credit_vcpu_hour",
    "rds/instance:Instance": "rds.t4g.cpu_credit_vcpu_hour",
    "rds/clusterInstance:ClusterInstance": "aurora.cpu_credit_vcpu_hour",
}


def travelling(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """What servers, tasks and functions send to the internet and to other zones."""
    if not stack.bears(one, *_TRAVELLERS):
        return
    if internet := stack.expects("internetGb"):
        yield by_use("data out to the internet", "datatransfer.out_internet_gb.first_10tb", internet)
    if between := stack.expects("zonesGb"):
        yield by_use("data between zones, both ways", "datatransfer.cross_az_gb", 2 * between)


def bursting(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Processor time above the baseline of small machines. RDS always lends it, EC2 unless told otherwise; t2 only if
    told so. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-unlimited-mode.html"""
    those = [each for each in stack.of(*_BURSTING) if _bursts(each)]
    if those[:1] == [one]:
        yield by_use("processor time above the baseline", _BURSTING[one.type], stack.expects("creditHours"))


def _bursts(one: Resource) -> bool:
    kind = str(one.inputs.get("instanceClass") or one.inputs.get("instanceType") or "").removeprefix("db.")
    if one.type.startswith("rds/"):
        return kind.startswith(("t3.", "t4g."))
    said = (one.inputs.get("creditSpecification") or {}).get("cpuCredits")
    return (kind.startswith(("t3.", "t3a.", "t4g.")) and said != "standard") or (
        kind.startswith("t2.") and said == "unlimited"
    )
