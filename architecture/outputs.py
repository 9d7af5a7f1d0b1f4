"""What a stack tells the outside, and other stacks: `export(part, …)` for parts of any kind, and for none."""

from __future__ import annotations

from functools import singledispatch

import pulumi

from architecture.analytics import Analytics
from architecture.apis import Apis
from architecture.application import Application
from architecture.builds import Builds
from architecture.copies import Copies
from architecture.data import Data
from architecture.delivery import Delivery
from architecture.edge import Edge
from architecture.functions import Functions
from architecture.host import Host
from architecture.lake import Lake
from architecture.messaging import Messaging
from architecture.site import Site
from architecture.storage import Storage
from components.alarms import AlarmTopics
from components.identity.user_pool import UserPool
from components.network.network import NETWORK_OUTPUTS, ExistingNetwork
from components.network.vpc import Vpc
from components.operations.dashboard import Dashboard


def export(*parts: object) -> None:
    """Export what each of `parts` tells; a part that the stack does not have is None and tells nothing."""
    for part in parts:
        if part is not None:
            _tell(part)


@singledispatch
def _tell(part: object) -> None:
    raise TypeError(f"{type(part).__name__} has no outputs: write them in architecture/outputs.py")


@_tell.register
def _network(network: Vpc | ExistingNetwork) -> None:
    """The ids of the network, by which another stack can join it."""
    for attribute, output in NETWORK_OUTPUTS.items():
        value = getattr(network, attribute)
        if value is not None:
            pulumi.export(output, value)
    if isinstance(network, Vpc):
        pulumi.export("interfaceEndpointIds", network.interface_endpoint_ids)
        pulumi.export("natPublicIps", network.nat_public_ips)


@_tell.register
def _storage(storage: Storage) -> None:
    """The names of the buckets, by service, and the key that other stacks of the system use for their logs."""
    if storage.logs_key is not None:
        pulumi.export("logsKeyArn", storage.logs_key.arn)
    if storage.log_archive is not None:
        pulumi.export("logArchiveBucket", storage.log_archive.name)
    pulumi.export("buckets", {service: bucket.name for service, bucket in storage.buckets.items()})


@_tell.register
def _data(data: Data) -> None:
    """Where the stores answer; never a password."""
    if data.database is not None:
        pulumi.export("databaseEndpoint", data.database.endpoint)
        pulumi.export("databaseReaderEndpoint", data.database.reader_endpoint)
        pulumi.export("databaseSecretArn", data.database.secret_arn)
        pulumi.export("databaseSecurityGroupId", data.database.security_group_id)
    if data.cache is not None:
        pulumi.export("cacheEndpoint", data.cache.endpoint)
        pulumi.export("cacheSecretArn", data.cache.secret_arn)
        pulumi.export("cacheSecurityGroupId", data.cache.security_group_id)
    if data.tables:
        pulumi.export("tableNames", {service: table.name for service, table in data.tables.items()})
    if data.secrets is not None:
        pulumi.export("secretArns", dict(data.secrets.arns))
    if data.parameters is not None:
        pulumi.export("parameterPath", data.parameters.path)


@_tell.register
def _edge(edge: Edge) -> None:
    """Where the system is reached, and the name servers to which the domain must be delegated."""
    if edge.load_balancer is not None:
        pulumi.export("url", edge.url)
        pulumi.export("loadBalancerDnsName", edge.load_balancer.dns_name)
    if edge.zone is not None:
        pulumi.export("zoneId", edge.zone.zone_id)
        if edge.zone.name_servers is not None:
            pulumi.export("nameServers", edge.zone.name_servers)
    if edge.private_zone is not None:
        pulumi.export("privateZoneId", edge.private_zone.zone_id)


@_tell.register
def _users(users: UserPool) -> None:
    """Where users sign in, and whose tokens are theirs."""
    pulumi.export("userPoolIssuer", users.issuer)
    pulumi.export("userPoolClientIds", dict(users.client_ids))
    pulumi.export("signInUrl", users.domain)


@_tell.register
def _apis(apis: Apis) -> None:
    """Where the APIs are called."""
    if apis.apis:
        pulumi.export("apiUrls", {name: api.endpoint for name, api in apis.apis.items()})


@_tell.register
def _topics(topics: AlarmTopics) -> None:
    """The topics to which alarms go."""
    pulumi.export("alertTopics", {"critical": topics.critical, "warning": topics.warning})


@_tell.register
def _messaging(messaging: Messaging) -> None:
    """Where to send work and events, what to start, and where failures wait."""
    if messaging.queues:
        pulumi.export("queueUrls", {service: queue.url for service, queue in messaging.queues.items()})
    dead_letters = {
        **{service: queue.dead_letters_url for service, queue in messaging.queues.items()},
        **{f"{service}-schedule": part.dead_letters_url for service, part in messaging.schedules.items()},
        **{f"{service}-event": part.dead_letters_url for service, part in messaging.routes.items()},
    }
    if dead_letters:
        pulumi.export("deadLetterUrls", dead_letters)
    if messaging.bus is not None:
        pulumi.export("eventBusName", messaging.bus.bus_name)
    if messaging.workflows:
        pulumi.export("workflowArns", {service: workflow.arn for service, workflow in messaging.workflows.items()})


@_tell.register
def _copies(copies: Copies) -> None:
    """Where the copies of the database are, and what to start for one now."""
    pulumi.export("databaseCopiesBucket", copies.bucket.name)
    pulumi.export("databaseCopyWorkflowArn", copies.workflow.arn)


@_tell.register
def _builds(builds: Builds) -> None:
    """What builds into what."""
    pulumi.export("buildName", builds.build.name)
    pulumi.export("buildBucket", builds.bucket.name)


@_tell.register
def _delivery(delivery: Delivery) -> None:
    """What a GitHub environment's variables are filled with, and where the front end is."""
    if delivery.deploy_role is not None:
        pulumi.export("deployRoleArn", delivery.deploy_role.arn)
        pulumi.export("githubOidcProviderArn", delivery.deploy_role.provider_arn)
    if delivery.front_end is not None:
        pulumi.export("frontEndUrl", delivery.front_end.url)


@_tell.register
def _site(site: Site) -> None:
    """Where people find the site, and what a pipeline needs that uploads it."""
    if site.site is not None:
        pulumi.export("siteUrl", site.url)
        pulumi.export("siteDomainName", site.site.domain_name)
        pulumi.export("siteDistributionId", site.site.distribution_id)
        pulumi.export("siteBucket", site.site.bucket.name)


@_tell.register
def _analytics(analytics: Analytics) -> None:
    """Where the logs can be asked: `aws athena start-query-execution --work-group … --query-execution-context …`."""
    pulumi.export("logWorkgroup", analytics.log_table.workgroup_name)
    pulumi.export("logDatabase", analytics.log_table.database_name)


@_tell.register
def _lake(lake: Lake) -> None:
    """Where the lake can be asked, and the workflow that fills a gap: `aws stepfunctions start-execution …`."""
    pulumi.export("lakeWorkgroup", lake.lake.workgroup_name)
    pulumi.export("lakeDatabase", lake.lake.database_name)
    pulumi.export("lakeZones", {zone: bucket.name for zone, bucket in lake.zones.items()})
    pulumi.export("lakeWorkflowArn", lake.workflow.arn)
    if lake.exports is not None:
        pulumi.export("lakeExportsWorkflowArn", lake.exports.arn)


@_tell.register
def _dashboard(dashboard: Dashboard) -> None:
    """The dashboard's name, by which the console finds it."""
    pulumi.export("dashboard", dashboard.name)


@_tell.register
def _application(application: Application) -> None:
    """What a pipeline needs to deploy: where images go, and what the cluster and its services are called."""
    if application.cluster is None:
        return
    pulumi.export("clusterName", application.cluster.name)
    pulumi.export("repositoryUrls", {name: one.url for name, one in application.repositories.items()})
    pulumi.export("serviceNames", {name: one.name for name, one in application.services.items()})


@_tell.register
def _host(host: Host) -> None:
    """What a pipeline needs to bring the host another image, and where the host is."""
    pulumi.export("hostName", host.server.name)
    pulumi.export("hostPublicDns", host.server.public_dns)
    pulumi.export("hostRepositoryUrl", host.repository.url)
    pulumi.export("hostDeploymentDocument", host.server.deployment_document)
    pulumi.export("hostLogGroup", host.server.log_group_name)


@_tell.register
def _functions(functions: Functions) -> None:
    """What the functions are called, which version of each the last deployment published, and where failures wait."""
    if not functions.functions:
        return
    made = functions.functions.items()
    pulumi.export("functionNames", {name: function.name for name, function in made})
    pulumi.export("functionAliases", {name: function.alias_arn for name, function in made})
    pulumi.export("functionVersions", {name: function.version for name, function in made})
    shifted = {name: function.gradual.application_name for name, function in made if function.gradual is not None}
    if shifted:
        pulumi.export("functionDeployments", shifted)
    dead_letters = {
        **{name: function.dead_letters_url for name, function in made},
        **{f"{name}-schedule": schedule.dead_letters_url for name, schedule in functions.schedules.items()},
    }
    pulumi.export("functionDeadLetterUrls", dead_letters)
