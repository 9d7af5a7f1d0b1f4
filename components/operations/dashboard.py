"""One dashboard for the whole system: from the load balancer and what answers behind it to the database and the errors.

Use: Dashboard("wiki-dev-overview", DashboardArgs(cluster="wiki-dev-cluster", services=["wiki-dev-api"], …))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.children import Children, Transform
from components.refusal import Refusal

Widget = Mapping[str, Any]
"""One box as CloudWatch takes it; its values may be outputs."""

Line = Sequence[Any]
"""One line of a graph: namespace, metric, dimension, value, …, and options."""

WIDTH, GRAPH_WIDTH, GRAPH_HEIGHT, TITLE_HEIGHT = 24, 8, 6, 1


@dataclass(frozen=True, kw_only=True)
class DashboardArgs:
    """What is shown: each part that is left out has no row. Three dashboards are free, then $3 a month for each."""

    load_balancer: pulumi.Input[str] | None = None
    """The end of the load balancer's ARN, `app/…/…`, by which CloudWatch knows it."""

    cluster: pulumi.Input[str] | None = None
    """The ECS cluster's name; its Container Insights must be on."""

    services: Sequence[pulumi.Input[str]] = ()
    """The names of its services."""

    functions: Sequence[pulumi.Input[str]] = ()
    """The names of the functions."""

    apis: Mapping[str, Mapping[str, pulumi.Input[str]]] = field(default_factory=dict)
    """Label → dimensions of each HTTP or REST API."""

    web_sockets: Mapping[str, Mapping[str, pulumi.Input[str]]] = field(default_factory=dict)
    """Label → dimensions of each WebSocket API."""

    database_cluster: pulumi.Input[str] | None = None
    """The Aurora cluster's identifier."""

    database_instance: pulumi.Input[str] | None = None
    """The identifier of a single PostgreSQL instance."""

    cache_nodes: Sequence[pulumi.Input[str]] = ()
    """The ids of the cache's nodes: ElastiCache has no metrics of the whole."""

    tables: Sequence[pulumi.Input[str]] = ()
    """The names of the DynamoDB tables."""

    workflows: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Label → ARN of each Step Functions workflow."""

    errors: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Label → namespace and name of each metric that counts errors (an ErrorLogAlarm's)."""

    counted: Sequence[str] = ()
    """Namespaces in which programs count what they like: each metric that is there has a line."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if self.services and self.cluster is None:
            raise Refusal("cluster", None, "is needed: services are known by their cluster and their name")
        if not rows(self, ""):
            raise Refusal("dashboard", None, "would be empty; give it one part or more")


class Dashboard(pulumi.ComponentResource):
    """A CloudWatch dashboard with a row for each part."""

    CHILDREN = ("dashboard",)

    name: pulumi.Output[str]

    def __init__(self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:operations:Dashboard", name, None, opts)
        child = Children(self, args.transform, self.CHILDREN)
        body = {"widgets": arranged(rows(args, Account.of(self).region))}
        dashboard = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=name,
            dashboard_body=pulumi.Output.json_dumps(body, sort_keys=True),
            opts=child("dashboard"),
        )
        self.name = dashboard.dashboard_name
        self.register_outputs({"name": self.name})


def rows(args: DashboardArgs, region: pulumi.Input[str]) -> list[tuple[str, list[Widget]]]:
    """A title and its graphs for each part that there is, in the way of a request: from the edge to the data."""
    found: list[tuple[str, list[Widget]]] = []
    if args.load_balancer is not None:
        found.append(("Load balancer", load_balancer_graphs(args.load_balancer, region)))
    if args.apis:
        found.append(("APIs", api_graphs(args.apis, region)))
    if args.web_sockets:
        found.append(("WebSockets", web_socket_graphs(args.web_sockets, region)))
    if args.cluster is not None and args.services:
        found.append(("Services (ECS)", service_graphs(args.cluster, args.services, region)))
    if args.functions:
        found.append(("Functions (Lambda)", function_graphs(args.functions, region)))
    if args.database_cluster is not None:
        found.append(("Database (Aurora)", database_graphs(args.database_cluster, region)))
    if args.database_instance is not None:
        found.append(("Database (PostgreSQL)", instance_graphs(args.database_instance, region)))
    if args.cache_nodes:
        found.append(("Cache (ElastiCache)", cache_graphs(args.cache_nodes, region)))
    if args.tables:
        found.append(("Tables (DynamoDB)", table_graphs(args.tables, region)))
    if args.workflows:
        found.append(("Workflows", workflow_graphs(args.workflows, region)))
    if args.counted:
        found.append(("Counted by programs", [counted_graph(one, region) for one in sorted(set(args.counted))]))
    if args.errors:
        found.append(("Errors in logs", [error_graph(args.errors, region)]))
    return found


def load_balancer_graphs(load_balancer: pulumi.Input[str], region: pulumi.Input[str]) -> list[Widget]:
    """How much is asked, how much of it fails, and how long it takes."""

    def line(metric: str, **options: Any) -> Line:
        return ["AWS/ApplicationELB", metric, "LoadBalancer", load_balancer, options]

    share = "100 * (FILL(balancer, 0) + FILL(targets, 0)) / requests"
    return [
        graph("Requests", [line("RequestCount", stat="Sum")], region),
        graph(
            "Share of 5xx, %",
            [
                [{"expression": share, "label": "5xx", "id": "share"}],
                line("RequestCount", stat="Sum", id="requests", visible=False),
                line("HTTPCode_ELB_5XX_Count", stat="Sum", id="balancer", visible=False),
                line("HTTPCode_Target_5XX_Count", stat="Sum", id="targets", visible=False),
            ],
            region,
            least=0,
        ),
        graph("Response time, s", [line("TargetResponseTime", stat=stat) for stat in ("p50", "p95", "p99")], region),
    ]


def api_graphs(apis: Mapping[str, Mapping[str, pulumi.Input[str]]], region: pulumi.Input[str]) -> list[Widget]:
    """How much each API is asked, how much of it fails by its fault or the caller's, and how long it takes."""

    def lines(http: str, rest: str, stat: str) -> list[Line]:
        # The two kinds of APIs call the same thing by two names.
        return [
            _line("AWS/ApiGateway", http if "ApiId" in dimensions else rest, dimensions, stat=stat, label=label)
            for label, dimensions in sorted(apis.items())
        ]

    return [
        graph("Requests", lines("Count", "Count", "Sum"), region, least=0),
        graph("5xx", lines("5xx", "5XXError", "Sum"), region, least=0),
        graph("4xx", lines("4xx", "4XXError", "Sum"), region, least=0),
        graph("Mean time, ms", lines("Latency", "Latency", "Average"), region, least=0),
        graph("Time of the slowest 5 %, ms", lines("Latency", "Latency", "p95"), region, least=0),
    ]


def web_socket_graphs(apis: Mapping[str, Mapping[str, pulumi.Input[str]]], region: pulumi.Input[str]) -> list[Widget]:
    """How many connect, what they send, and what of it fails."""

    def lines(*metrics: str, stat: str = "Sum") -> list[Line]:
        return [
            _line("AWS/ApiGateway", metric, dimensions, stat=stat, label=f"{label} {metric}")
            for label, dimensions in sorted(apis.items())
            for metric in metrics
        ]

    return [
        graph("New connections", lines("ConnectCount"), region, least=0),
        graph("Messages", lines("MessageCount"), region, least=0),
        graph("Errors", lines("ClientError", "ExecutionError", "IntegrationError"), region, least=0),
    ]


def _line(namespace: str, metric: str, dimensions: Mapping[str, pulumi.Input[str]], **options: Any) -> Line:
    return [namespace, metric, *(part for pair in sorted(dimensions.items()) for part in pair), options]


def service_graphs(
    cluster: pulumi.Input[str], services: Sequence[pulumi.Input[str]], region: pulumi.Input[str]
) -> list[Widget]:
    """How hard each service works, and how many tasks do the work."""

    def lines(namespace: str, metric: str, **options: Any) -> list[Line]:
        return [[namespace, metric, "ClusterName", cluster, "ServiceName", service, options] for service in services]

    return [
        graph("CPU, %", lines("AWS/ECS", "CPUUtilization", stat="Average"), region, least=0, most=100),
        graph("Memory, %", lines("AWS/ECS", "MemoryUtilization", stat="Average"), region, least=0, most=100),
        graph("Tasks", lines("ECS/ContainerInsights", "RunningTaskCount", stat="Average"), region, least=0),
    ]


def function_graphs(functions: Sequence[pulumi.Input[str]], region: pulumi.Input[str]) -> list[Widget]:
    """How often each function was called, how often it failed or was refused, and how long it took."""

    def lines(metric: str, **options: Any) -> list[Line]:
        return [["AWS/Lambda", metric, "FunctionName", function, options] for function in functions]

    return [
        graph("Calls", lines("Invocations", stat="Sum"), region, least=0),
        graph("Failed and refused", lines("Errors", stat="Sum") + lines("Throttles", stat="Sum"), region, least=0),
        graph("Time, ms", lines("Duration", stat="p95"), region, least=0),
        graph("At a time", lines("ConcurrentExecutions", stat="Maximum"), region, least=0),
    ]


def database_graphs(cluster: pulumi.Input[str], region: pulumi.Input[str]) -> list[Widget]:
    """How hard writer and readers work, how many talk to them, how far the readers are behind, and what is stored."""

    def by_role(metric: str, **options: Any) -> list[Line]:
        return [
            ["AWS/RDS", metric, "DBClusterIdentifier", cluster, "Role", role, {**options, "label": role.lower()}]
            for role in ("WRITER", "READER")
        ]

    def whole(metric: str, **options: Any) -> Line:
        return ["AWS/RDS", metric, "DBClusterIdentifier", cluster, options]

    return [
        graph("CPU, %", by_role("CPUUtilization", stat="Average"), region, least=0, most=100),
        graph("Connections", by_role("DatabaseConnections", stat="Maximum"), region, least=0),
        graph("Replica lag, ms", [whole("AuroraReplicaLagMaximum", stat="Maximum")], region, least=0),
        graph("Storage used, bytes", [whole("VolumeBytesUsed", stat="Average")], region, least=0),
        graph("Free local storage, bytes", by_role("FreeLocalStorage", stat="Minimum"), region, least=0),
    ]


def instance_graphs(instance: pulumi.Input[str], region: pulumi.Input[str]) -> list[Widget]:
    """How hard the instance works, how many talk to it, and how much room it has left."""

    def line(metric: str, stat: str) -> list[Line]:
        return [["AWS/RDS", metric, "DBInstanceIdentifier", instance, {"stat": stat}]]

    return [
        graph("CPU, %", line("CPUUtilization", "Average"), region, least=0, most=100),
        graph("Connections", line("DatabaseConnections", "Maximum"), region, least=0),
        graph("Free storage, bytes", line("FreeStorageSpace", "Minimum"), region, least=0),
    ]


def cache_graphs(nodes: Sequence[pulumi.Input[str]], region: pulumi.Input[str]) -> list[Widget]:
    """How hard each node works, how much of its memory is in use, and what it forgets for want of it."""

    def lines(metric: str, stat: str) -> list[Line]:
        return [["AWS/ElastiCache", metric, "CacheClusterId", node, {"stat": stat}] for node in nodes]

    return [
        graph("CPU, %", lines("EngineCPUUtilization", "Average"), region, least=0, most=100),
        graph("Memory in use, %", lines("DatabaseMemoryUsagePercentage", "Average"), region, least=0, most=100),
        graph("Forgotten for want of memory", lines("Evictions", "Sum"), region, least=0),
    ]


def table_graphs(tables: Sequence[pulumi.Input[str]], region: pulumi.Input[str]) -> list[Widget]:
    """What each table is asked for, and what of it had to wait."""

    def lines(metric: str) -> list[Line]:
        return [["AWS/DynamoDB", metric, "TableName", table, {"stat": "Sum"}] for table in tables]

    return [
        graph("Read, units", lines("ConsumedReadCapacityUnits"), region, least=0),
        graph("Written, units", lines("ConsumedWriteCapacityUnits"), region, least=0),
        graph("Refused", lines("ReadThrottleEvents") + lines("WriteThrottleEvents"), region, least=0),
    ]


def workflow_graphs(workflows: Mapping[str, pulumi.Input[str]], region: pulumi.Input[str]) -> list[Widget]:
    """How often each workflow ran, failed, and how long it took."""

    def lines(metric: str, stat: str) -> list[Line]:
        return [
            ["AWS/States", metric, "StateMachineArn", arn, {"stat": stat, "label": label}]
            for label, arn in sorted(workflows.items())
        ]

    return [
        graph("Succeeded", lines("ExecutionsSucceeded", "Sum"), region, least=0),
        graph("Failed", lines("ExecutionsFailed", "Sum"), region, least=0),
        graph("Time, ms", lines("ExecutionTime", "p95"), region, least=0),
    ]


def error_graph(errors: Mapping[str, tuple[str, str]], region: pulumi.Input[str]) -> Widget:
    """How many errors were logged."""
    lines = [
        [namespace, metric, {"stat": "Sum", "label": label}] for label, (namespace, metric) in sorted(errors.items())
    ]
    return graph("ERROR and above", lines, region, least=0)


def counted_graph(namespace: str, region: pulumi.Input[str]) -> Widget:
    """All that is counted under a namespace: what it is called, only the programs know."""
    search = f"SEARCH('Namespace=\"{namespace}\"', 'Sum', 300)"
    return graph(namespace, [[{"expression": search, "id": "counted"}]], region, least=0)


def graph(
    title: str,
    lines: Sequence[Line],
    region: pulumi.Input[str],
    *,
    least: float | None = None,
    most: float | None = None,
) -> Widget:
    """One graph over minutes, without its place."""
    properties: dict[str, Any] = {
        "title": title,
        "metrics": [list(line) for line in lines],
        "region": region,
        "period": 60,
        "view": "timeSeries",
        "stacked": False,
    }
    ends = {key: value for key, value in (("min", least), ("max", most)) if value is not None}
    if ends:
        properties["yAxis"] = {"left": ends}
    return {"type": "metric", "properties": properties}


def arranged(titled: Sequence[tuple[str, Sequence[Widget]]]) -> list[Widget]:
    """The graphs under their titles, three beside each other, none over another."""
    placed: list[Widget] = []
    top = 0
    for title, graphs in titled:
        heading = {"type": "text", "properties": {"markdown": f"## {title}"}}
        placed.append({**heading, "x": 0, "y": top, "width": WIDTH, "height": TITLE_HEIGHT})
        top += TITLE_HEIGHT
        beside = WIDTH // GRAPH_WIDTH
        for number, widget in enumerate(graphs):
            row, column = divmod(number, beside)
            at = {"x": column * GRAPH_WIDTH, "y": top + row * GRAPH_HEIGHT}
            placed.append({**widget, **at, "width": GRAPH_WIDTH, "height": GRAPH_HEIGHT})
        top += GRAPH_HEIGHT * -(-len(graphs) // beside)
    return placed
