"""Servers, containers and functions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from costs.model import CostComponent, Resource, by_use, fixed, free, not_priced
from costs.services.bearers import bursting, travelling
from costs.services.network import REQUESTS_PER_LCU_HOUR
from costs.services.registry import number, prices, told
from costs.stack import Stack

_MIB_IN_GIB: Final = 1024
_FREE_EPHEMERAL_GIB: Final = 20
"""Of each Fargate task. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html"""
_FREE_TMP_MIB: Final = 512
"""Of each function's /tmp. https://aws.amazon.com/lambda/pricing/"""
_ROOT_GIB: Final = 8
"""A root volume that nobody sizes has the size of its image: 8 GB."""
_GP3_IOPS: Final = 3000
_GP3_MIBPS: Final = 125
"""Of each gp3 volume, free. https://aws.amazon.com/ebs/pricing/"""
_DETAILED_METRICS: Final = 7
"""Of a server with detailed monitoring. https://aws.amazon.com/cloudwatch/pricing/"""
_INSIGHTS_OF_A_CLUSTER: Final = 10
_INSIGHTS_OF_A_SERVICE: Final = 13
_INSIGHTS_OF_A_FAMILY: Final = 8
"""Metrics of Container Insights on Fargate, each paid as one's own.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html"""

_UNSUPPORTED_KUBERNETES: Final = 33
"""The newest minor version that is out of standard support by the end of 2026.
https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html"""

_CLUSTER: Final = "ecs/cluster:Cluster"
_SERVICE: Final = "ecs/service:Service"
_EXPRESS: Final = "ecs/expressGatewayService:ExpressGatewayService"


@prices("ec2/instance:Instance", "ec2/spotInstanceRequest:SpotInstanceRequest")
def instance(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Hours of a server, its disks and the public address that it was born with."""
    template = stack.find("ec2/launchTemplate:LaunchTemplate", (one.inputs.get("launchTemplate") or {}).get("id"))
    inputs = {**(template.inputs if template else {}), **one.inputs}
    kind = str(inputs.get("instanceType") or "")
    if one.type.startswith("ec2/spot") or _on_spot(inputs):
        yield _spot_hours(f"instance, Linux, Spot, {kind}", kind, stack.hours_of(one))
    elif inputs.get("tenancy") in ("dedicated", "host"):
        yield not_priced(f"dedicated hours of {kind}", "dedicated tenancy has prices of its own")
    else:
        yield fixed(f"instance, Linux, on demand, {kind}", f"ec2.{kind}.hour", stack.hours_of(one))
    root = inputs.get("rootBlockDevice") or {}
    mapped = [each["ebs"] for each in inputs.get("blockDeviceMappings") or [] if each.get("ebs")]
    if root or not mapped:
        yield from _disk("root volume", root, "volumeType", "volumeSize", _ROOT_GIB)
    else:
        for disk in mapped:
            yield from _disk("volume of the launch template", disk, "volumeType", "volumeSize", _ROOT_GIB)
    for disk in inputs.get("ebsBlockDevices") or []:
        yield from _disk(f"volume {disk.get('deviceName', '')}".strip(), disk, "volumeType", "volumeSize", 0, "gp2")
    if _is_public(one, stack) and not _has_elastic(one, stack):
        yield fixed("public IPv4 address", "vpc.public_ipv4.in_use_hour", stack.hours_of(one))
    yield from _watched(inputs, stack.hours_of(one) / stack.hours)
    yield from _licensed(inputs)
    yield from bursting(one, stack)
    yield from travelling(one, stack)


def _is_public(one: Resource, stack: Stack) -> bool:
    """Whether it is born with a public address: as its subnet says where it does not say so itself."""
    said = one.inputs.get("associatePublicIpAddress")
    subnet = stack.find("ec2/subnet:Subnet", one.inputs.get("subnetId"))
    return bool(said if said is not None else subnet and subnet.inputs.get("mapPublicIpOnLaunch"))


def _watched(inputs: Mapping[str, Any], machines: Decimal) -> Iterator[CostComponent]:
    said = inputs.get("monitoring")
    if said.get("enabled") if isinstance(said, Mapping) else said:
        yield fixed("metrics of detailed monitoring", "cloudwatch.metrics.month", _DETAILED_METRICS * machines)


def _licensed(inputs: Mapping[str, Any]) -> Iterator[CostComponent]:
    """An image alone does not say its system: what asks for Windows' password or runs its shell does."""
    if inputs.get("getPasswordData") or str(inputs.get("userData") or "").lstrip().startswith(
        ("<powershell>", "<script>")
    ):
        yield not_priced("licence of Windows", "hours of Windows have no price here: those of Linux are counted")
    if inputs.get("licenseSpecifications"):
        yield not_priced("licences", "what licences of one's own cost is not AWS's to say")


def _on_spot(inputs: Mapping[str, Any]) -> bool:
    return (inputs.get("instanceMarketOptions") or {}).get("marketType") == "spot"


def _spot_hours(name: str, kind: str, hours: Decimal) -> CostComponent:
    """At what AWS's Spot Instance Advisor said one day: the price floats."""
    return CostComponent(name=name, price_key=f"ec2.{kind}.spot_hour", quantity=hours, indicative=True)


def _has_elastic(one: Resource, stack: Stack) -> bool:
    """An elastic address takes the place of the one that the instance was born with."""
    name = one.outputs.get("id")
    held = [*stack.of("ec2/eip:Eip"), *stack.of("ec2/eipAssociation:EipAssociation")]
    return any(name and name in (each.inputs.get("instance"), each.inputs.get("instanceId")) for each in held)


def _disk(
    name: str, disk: Mapping[str, Any], type_key: str, size_key: str, otherwise: int, born: str = "gp3"
) -> Iterator[CostComponent]:
    """`born` is its type where nobody names one: the image's for a root volume, gp2 for all others.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html"""
    kind = str(disk.get(type_key) or born)
    size = number(disk, size_key, otherwise)
    if not size:
        yield not_priced(f"{name}, {kind}", "nobody says its size: it has that of its snapshot")
        return
    known = "io1" if kind in ("io1", "io2") else kind
    if known not in ("gp2", "gp3", "io1"):
        yield not_priced(f"{name}, {kind}", f"volumes of type {kind} have no price here")
        return
    yield fixed(f"{name}, {kind}", f"ebs.{known}.gb_month", size)
    iops = number(disk, "iops")
    if known == "gp3":
        if more := max(iops - _GP3_IOPS, Decimal(0)):
            yield fixed(f"{name}, operations a second beyond {_GP3_IOPS}", "ebs.gp3.iops_month", more)
        if more := max(number(disk, "throughput") - _GP3_MIBPS, Decimal(0)):
            yield fixed(f"{name}, MiB/s beyond {_GP3_MIBPS}", "ebs.gp3.throughput_mibps_month", more)
    elif known == "io1" and iops:
        yield fixed(f"{name}, operations a second", "ebs.io1.iops_month", iops)


@prices("ebs/volume:Volume")
def volume(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A disk of its own."""
    del stack
    yield from _disk("volume", one.inputs, "type", "size", 0, "gp2")


@prices("ebs/snapshot:Snapshot", "ebs/snapshotCopy:SnapshotCopy", "ec2/amiFromInstance:AmiFromInstance")
def snapshot(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A copy of a disk, by what differs from the copy before: at most its size. One from another region travels."""
    of = stack.find("ebs/volume:Volume", one.inputs.get("volumeId"))
    size = number(of.inputs, "size") if of else stack.use("backupGb", one)
    yield by_use("snapshot, at most", "ebs.snapshot_gb_month", size)
    if one.inputs.get("sourceRegion") not in (None, one.region):
        yield by_use("data from another region", "datatransfer.inter_region_gb", size)


@prices("ec2/eip:Eip")
def address(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A public address costs the same whether it is used or not; a NAT gateway's is counted here, too."""
    del one
    yield fixed("public IPv4 address", "vpc.public_ipv4.in_use_hour", stack.hours)


@prices("autoscaling/group:Group")
def servers(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """As many servers as are wanted, or as there must be."""
    count = number(one.inputs, "desiredCapacity", str(number(one.inputs, "minSize")))
    wanted = one.inputs.get("launchTemplate") or {}
    template = stack.find("ec2/launchTemplate:LaunchTemplate", wanted.get("id") or wanted.get("name"))
    if template is None:
        yield not_priced("instances", "the launch template of the group is not in this stack")
        return
    kind = str(template.inputs.get("instanceType") or "")
    if not kind:
        yield not_priced("instances", "the launch template leaves the type to the group")
    elif _on_spot(template.inputs):
        yield _spot_hours(f"{count} instances, Linux, Spot, {kind}", kind, count * stack.hours)
    else:
        yield fixed(f"{count} instances, Linux, on demand, {kind}", f"ec2.{kind}.hour", count * stack.hours)
    mappings = [each for each in template.inputs.get("blockDeviceMappings") or [] if each.get("ebs")]
    for mapping in mappings or [{}]:
        for part in _disk("volumes", mapping.get("ebs") or {}, "volumeType", "volumeSize", _ROOT_GIB):
            yield CostComponent(**{**part.__dict__, "quantity": part.quantity * count})
    if any(
        each.get("associatePublicIpAddress") in (True, "true")
        for each in template.inputs.get("networkInterfaces") or []
    ):
        yield fixed("public IPv4 addresses", "vpc.public_ipv4.in_use_hour", count * stack.hours)
    yield from _watched(template.inputs, count)
    yield from _licensed(template.inputs)
    yield from travelling(one, stack)


@prices(_CLUSTER)
def insights(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A cluster costs nothing; the metrics of Container Insights do, as long as tasks run."""
    said = {str(each.get("name")): str(each.get("value")) for each in one.inputs.get("settings") or []}
    level = said.get("containerInsights", "disabled")
    if level == "disabled":
        yield free("the tasks of the services are paid")
        return
    if level != "enabled":
        yield not_priced(
            f"Container Insights, {level}", "how many metrics its tasks and containers make is not known here"
        )
        return
    inside = [
        each
        for each in stack.of(_SERVICE, _EXPRESS)
        if stack.find(_CLUSTER, each.inputs.get("cluster"), "arn", "id", "name") is one
    ]
    running = [stack.hours_of(each) / stack.hours for each in inside]
    count = sum(((_INSIGHTS_OF_A_SERVICE + _INSIGHTS_OF_A_FAMILY) * share for share in running), Decimal(0))
    count += _INSIGHTS_OF_A_CLUSTER * max(running, default=Decimal(0))
    yield fixed("metrics of Container Insights", "cloudwatch.metrics.month", count)
    named = [each.inputs["cluster"] for each in stack.of(_SERVICE, _EXPRESS) if each.inputs.get("cluster") is not None]
    if not all(told(name) or any(each.urn == name for each in stack.of(_CLUSTER)) for name in named):
        yield not_priced("metrics of further services", "in which cluster they are is not known before the deployment")


@prices("ecs/capacityProvider:CapacityProvider")
def capacity(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Servers of a group are paid there; those that ECS starts itself are nowhere else."""
    del stack
    if one.inputs.get("managedInstancesProvider"):
        yield not_priced("servers that ECS starts", "which and how many they are is not known here")
    else:
        yield free("the tasks of the services are paid")


@prices(_SERVICE)
def service(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Tasks on Fargate: processor, memory and disk beyond what is free, by the hour and by the kind of capacity."""
    task = stack.find(
        "ecs/taskDefinition:TaskDefinition", one.inputs.get("taskDefinition"), "arn", "arnWithoutRevision", "family"
    )
    shares = _capacity(one, stack)
    if not shares:
        yield CostComponent(name="tasks", kind="free", reason="tasks on EC2 are paid as the instances they run on")
        return
    if task is None:
        yield not_priced("tasks", "the task definition of the service is not in this stack")
        return
    if task.inputs.get("cpu") is None or task.inputs.get("memory") is None:
        yield not_priced("tasks", "nobody says how many processors and how much memory a task has")
        return
    count = _tasks(one, stack)
    machine = _machine(task)
    vcpus, memory = _vcpus(task), _memory(task)
    disk = max(number(task.inputs.get("ephemeralStorage") or {}, "sizeInGib") - _FREE_EPHEMERAL_GIB, Decimal(0))
    for provider, share in shares.items():
        hours = count * share * stack.hours_of(one)
        if not hours:
            continue
        spot = provider == "FARGATE_SPOT"
        key, words = ("fargate_spot", "Spot") if spot else ("fargate", "on demand")
        if machine == "windows":
            yield fixed("licence of Windows", "fargate.windows.license_vcpu_hour", hours * vcpus)
        for what, unit, amount in (("vCPU", "vcpu", vcpus), ("GB", "gb", memory)):
            yield CostComponent(
                name=f"{what}-hours, {machine}, {words}",
                price_key=f"{key}.{machine}.{unit}_hour",
                quantity=hours * amount,
                indicative=spot,
            )
        if disk:
            yield fixed(f"disk beyond {_FREE_EPHEMERAL_GIB} GB", "fargate.ephemeral.gb_hour", hours * disk)
    if (one.inputs.get("networkConfiguration") or {}).get("assignPublicIp"):
        yield fixed("public IPv4 addresses", "vpc.public_ipv4.in_use_hour", count * stack.hours_of(one))
    if one.inputs.get("volumeConfiguration"):
        yield not_priced("volumes of tasks", "what ECS makes for each task is not known here")
    yield from travelling(one, stack)


def _tasks(one: Resource, stack: Stack) -> Decimal:
    """As many as are wanted; scaling brings them to no less than its minimum."""
    name = one.inputs.get("name") or one.outputs.get("name")
    scaled = f"service/{_cluster_of(one)}/{name}"
    least = [
        number(target.inputs, "minCapacity")
        for target in stack.of("appautoscaling/target:Target")
        if name and target.inputs.get("resourceId") == scaled
    ]
    if one.inputs.get("schedulingStrategy") == "DAEMON":
        return Decimal(1)
    return max([number(one.inputs, "desiredCount", 1), *least])


def _capacity(one: Resource, stack: Stack) -> dict[str, Decimal]:
    """The share of the tasks on each kind of Fargate: by its weight, and `base` first. Empty on EC2."""
    strategies = one.inputs.get("capacityProviderStrategies") or []
    if not strategies:
        launch = one.inputs.get("launchType")
        if launch:
            return {"FARGATE": Decimal(1)} if launch == "FARGATE" else {}
        strategies = _defaults(one, stack)
        if not strategies:
            return {}
    count = _tasks(one, stack) or Decimal(1)
    based = {str(each["capacityProvider"]): number(each, "base") for each in strategies}
    weights = {str(each["capacityProvider"]): number(each, "weight") for each in strategies}
    left = max(count - sum(based.values(), Decimal(0)), Decimal(0))
    every = sum(weights.values(), Decimal(0)) or Decimal(1)
    tasks = {name: min(based[name], count) + left * weight / every for name, weight in weights.items()}
    return {name: some / count for name, some in tasks.items() if name in ("FARGATE", "FARGATE_SPOT")}


def _defaults(one: Resource, stack: Stack) -> list[Mapping[str, Any]]:
    for each in stack.of("ecs/clusterCapacityProviders:ClusterCapacityProviders"):
        if each.inputs.get("clusterName") == _cluster_of(one):
            return list(each.inputs.get("defaultCapacityProviderStrategies") or [])
    return []


def _cluster_of(service: Resource) -> str:
    """The name of its cluster, which may be named by its ARN."""
    return str(service.inputs.get("cluster") or "default").rpartition("/")[2]


def _machine(task: Resource) -> str:
    platform = task.inputs.get("runtimePlatform") or {}
    if str(platform.get("operatingSystemFamily") or "").startswith("WINDOWS"):
        return "windows"
    return "arm" if platform.get("cpuArchitecture") == "ARM64" else "x86"


def _vcpus(task: Resource) -> Decimal:
    """`256`, `1024` or `.25 vCPU`, `1 vcpu`."""
    text = str(task.inputs.get("cpu") or "256").lower()
    value = Decimal(text.replace("vcpu", "").strip() or 0)
    return value if "vcpu" in text else value / 1024


def _memory(task: Resource) -> Decimal:
    """`512`, `2048` or `2 GB`; in GiB."""
    text = str(task.inputs.get("memory") or "512").lower()
    value = Decimal(text.replace("gb", "").strip() or 0)
    return value if "gb" in text else value / _MIB_IN_GIB


@prices("eks/cluster:Cluster")
def kubernetes(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """The control plane, dearer out of support; what runs is paid as instances or Fargate."""
    yield fixed("control plane", "eks.cluster_hour", stack.hours)
    version = number({"minor": str(one.inputs.get("version") or "").partition(".")[2] or None}, "minor", 99)
    declined = (one.inputs.get("upgradePolicy") or {}).get("supportType") == "STANDARD"
    if version <= _UNSUPPORTED_KUBERNETES and not declined:
        yield fixed("extended support", "eks.extended_support_hour", stack.hours)
    if (one.inputs.get("computeConfig") or {}).get("enabled"):
        yield not_priced("machines of Auto Mode", "what it starts, and its share of their price, is not known here")


@prices("eks/nodeGroup:NodeGroup")
def nodes(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Servers of a cluster, each with a disk of 20 GB if nobody says otherwise."""
    if one.inputs.get("launchTemplate"):
        yield not_priced("instances", "a launch template says what the nodes are")
        return
    count = number(one.inputs.get("scalingConfig") or {}, "desiredSize", 1)
    kind = str((one.inputs.get("instanceTypes") or ["t3.medium"])[0])
    if one.inputs.get("capacityType") == "SPOT":
        yield _spot_hours(f"{count} instances, Linux, Spot, {kind}", kind, count * stack.hours)
    else:
        yield fixed(f"{count} instances, Linux, on demand, {kind}", f"ec2.{kind}.hour", count * stack.hours)
    yield fixed("volumes, gp2", "ebs.gp2.gb_month", count * number(one.inputs, "diskSize", 20))
    yield from travelling(one, stack)


@prices(_EXPRESS)
def express(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Tasks on Fargate, and the load balancer that ECS makes for all such services of a network: the first of them
    bears it. AWS asks nothing for Express Mode itself. Tasks in public subnets have public addresses, each paid."""
    least = number((one.inputs.get("scalingTargets") or [{}])[0], "minTaskCount", 1)
    hours = least * stack.hours
    for what, unit, amount in (("vCPU", "vcpu", _vcpus(one)), ("GB", "gb", _memory(one))):
        yield fixed(f"{what}-hours, x86, on demand", f"fargate.x86.{unit}_hour", hours * amount)
    network = (one.inputs.get("networkConfigurations") or [{}])[0]
    yield fixed("public IPv4 addresses of tasks", "vpc.public_ipv4.in_use_hour", hours)
    yield from travelling(one, stack)
    sharing = [
        each
        for each in stack.of(one.type)
        if ((each.inputs.get("networkConfigurations") or [{}])[0].get("subnets")) == network.get("subnets")
    ]
    if sharing[0] is not one:
        return
    zones = len(network.get("subnets") or []) or 2
    yield fixed("load balancer, shared by all such services", "alb.hour", stack.hours)
    yield fixed("public IPv4 addresses of the load balancer", "vpc.public_ipv4.in_use_hour", zones * stack.hours)
    if not stack.of("lb/loadBalancer:LoadBalancer", "alb/loadBalancer:LoadBalancer"):
        units = stack.use("webRequests", one) / REQUESTS_PER_LCU_HOUR
        yield by_use("units of load", "alb.lcu_hour", units)


@prices("apprunner/service:Service")
def runner(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Memory that is kept ready for one instance; processors cost while there are requests, which nobody counts."""
    memory = str((one.inputs.get("instanceConfiguration") or {}).get("memory") or "2048").upper()
    gib = Decimal(memory.replace("GB", "").strip()) if "GB" in memory else Decimal(memory) / _MIB_IN_GIB
    scaling = stack.find(
        "apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion",
        one.inputs.get("autoScalingConfigurationArn"),
        "arn",
    )
    count = number(scaling.inputs, "minSize", 1) if scaling else Decimal(1)
    words = "one instance" if count == 1 else f"{count} instances"
    yield fixed(f"memory kept ready, {words}", "apprunner.gb_hour", count * gib * stack.hours)
    yield from travelling(one, stack)
    yield not_priced("processors while there are requests", "how long they are busy is not among the use that is known")


@prices("lambda/function:Function")
def function(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Calls and their time, each rounded up to a millisecond. Every call counts as one of the largest function: most
    stacks have one that people call."""
    largest = max(stack.of(one.type), key=lambda each: number(each.inputs, "memorySize", 128))
    machine = _architecture(one)
    gib = number(one.inputs, "memorySize", 128) / _MIB_IN_GIB
    calls = stack.expects("functionCalls") if largest is one else Decimal(0)
    seconds = calls * math.ceil(stack.expects("functionMilliseconds")) / 1000
    yield by_use(f"calls, {machine}", f"lambda.{machine}.requests", calls)
    yield by_use(f"time of calls, {machine}, {gib.normalize():f} GB", f"lambda.{machine}.gb_second", seconds * gib)
    tmp = max(number(one.inputs.get("ephemeralStorage") or {}, "size") - _FREE_TMP_MIB, Decimal(0)) / _MIB_IN_GIB
    if tmp:
        yield by_use(f"scratch disk beyond {_FREE_TMP_MIB} MB", "lambda.ephemeral_gb_second", seconds * tmp)
    kept = (one.inputs.get("snapStart") or {}).get("applyOn") == "PublishedVersions"
    if kept and not str(one.inputs.get("runtime") or "").startswith("java"):
        yield not_priced("snapshots of SnapStart", "they cost nothing with Java alone; their price is not known here")
    yield from travelling(one, stack)


@prices("lambda/eventSourceMapping:EventSourceMapping")
def source(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """What calls a function pays with its calls; pollers that are kept ready are paid by the hour."""
    del stack
    if one.inputs.get("provisionedPollerConfig"):
        yield not_priced("pollers kept ready", "their hours have no price here")
    else:
        yield free("the calls are paid")


def _architecture(one: Resource) -> str:
    return "arm" if "arm64" in (one.inputs.get("architectures") or []) else "x86"


@prices("lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig")
def kept_started(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Copies that wait for calls, by the second. The time of calls is cheaper on them; it is counted at its full price,
    since which calls meet them nobody knows."""
    of = stack.find("lambda/function:Function", one.inputs.get("functionName"))
    if of is None:
        yield not_priced("copies kept started", "the function is not in this stack, so its memory is not known")
        return
    gib = number(of.inputs, "memorySize", 128) / _MIB_IN_GIB
    copies = number(one.inputs, "provisionedConcurrentExecutions")
    yield fixed(
        "copies kept started",
        f"lambda.{_architecture(of)}.provisioned_concurrency_gb_second",
        copies * gib * stack.hours * 3600,
    )
