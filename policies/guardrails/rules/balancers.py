"""Load balancers and the web firewall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails.kit import MANDATORY, MANDATORY_IN_PROD, aws, example, graph_rule, ref, rule, setting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
LISTENER = "aws:lb/listener:Listener"
WEB_ACL = "aws:wafv2/webAcl:WebAcl"
WEB_ACL_ON = "aws:wafv2/webAclAssociation:WebAclAssociation"
WEB_ACL_LOG = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"


def _balancer(**props: Any) -> Any:
    return aws("lb/loadBalancer:LoadBalancer", props, name="web")


def _listener(**props: Any) -> Any:
    return aws("lb/listener:Listener", {"loadBalancerArn": "arn", **props})


def is_application(balancer: Resource) -> bool:
    return balancer.props.get("loadBalancerType", "application") == "application"


@rule(
    id="balancer-drops-bad-headers",
    title="Load balancers drop headers that are none",
    types=(BALANCER,),
    level=MANDATORY,
    severity="medium",
    topics=("network",),
    references=("C131", "C328"),
    remedy="Set dropInvalidHeaderFields.",
    remediate=lambda _balancer, _at: {"dropInvalidHeaderFields": True},
    compliant=[example(_balancer(dropInvalidHeaderFields=True)), example(_balancer(loadBalancerType="network"))],
    non_compliant=[example(_balancer()), example(_balancer(dropInvalidHeaderFields=False))],
)
def balancer_drops_bad_headers(balancer: Resource, _at: Context) -> Iterator[str]:
    """Two servers that read a malformed header differently: that is how requests are smuggled."""
    if is_application(balancer) and not balancer.props.get("dropInvalidHeaderFields"):
        yield "malformed headers are passed on"


@rule(
    id="balancer-two-zones",
    title="Load balancers stand in two zones",
    types=(BALANCER,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    references=("F ELB.13",),
    remedy="Name subnets of two zones; AWS refuses an application load balancer with one.",
    compliant=[
        example(_balancer(subnets=["subnet-1", "subnet-2"])),
        example(_balancer(subnetMappings=[{"subnetId": "subnet-1"}, {"subnetId": "subnet-2"}])),
        example(_balancer(loadBalancerType="gateway", subnets=["subnet-1"])),
    ],
    non_compliant=[
        example(_balancer(subnets=["subnet-1"])),
        example(_balancer(loadBalancerType="network", subnetMappings=[{"subnetId": "subnet-1"}])),
    ],
)
def balancer_two_zones(balancer: Resource, _at: Context) -> Iterator[str]:
    """Subnets of two zones, by their number: a load balancer takes one subnet of each zone."""
    if balancer.props.get("loadBalancerType", "application") == "gateway":
        return
    if len(balancer.props.items("subnets")) + len(balancer.props.items("subnetMappings")) == 1:
        yield "all of it stands in one zone"


_access_logs = setting(
    id="balancer-access-logs",
    title="Load balancers record who asks",
    types=(BALANCER,),
    path="accessLogs.enabled",
    wanted=(True,),
    wrong=False,
    says="requests are not recorded",
    why="What a firewall rule or an attack did can be told only from these.",
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("logging",),
    references=("A", "P", "N-ELB2", "C91"),
    remedy="Set accessLogs with a bucket whose policy lets the log delivery write.",
)

_deletion_protection = setting(
    id="balancer-deletion-protection",
    title="In production, load balancers refuse to be deleted",
    types=(BALANCER,),
    path="enableDeletionProtection",
    wanted=(True,),
    wrong=False,
    says="deletion protection is off",
    why="With the load balancer goes its DNS name, and everything that points there.",
    level=MANDATORY,
    severity="medium",
    topics=("backup",),
    environments=("prod",),
    references=("C150",),
    remedy="Set enableDeletionProtection.",
    mends=True,
)


@rule(
    id="listener-tls",
    title="Listeners speak TLS 1.2 or newer",
    types=(LISTENER,),
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("P", "C2", "C103"),
    remedy="Set sslPolicy to ELBSecurityPolicy-TLS13-1-2-Res-2021-06 or another that begins with TLS 1.2.",
    remediate=lambda _listener, _at: {"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"},
    compliant=[
        example(_listener(protocol="HTTPS", sslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06")),
        example(_listener(protocol="HTTPS", sslPolicy="ELBSecurityPolicy-TLS-1-2-Ext-2018-06")),
        example(_listener(protocol="HTTP")),
    ],
    non_compliant=[
        example(_listener(protocol="HTTPS")),
        example(_listener(protocol="TLS", sslPolicy="ELBSecurityPolicy-2016-08")),
        example(_listener(protocol="HTTPS", sslPolicy="ELBSecurityPolicy-TLS13-1-0-2021-06")),
    ],
)
def listener_tls(listener: Resource, _at: Context) -> Iterator[str]:
    """AWS's default policy for what Pulumi makes still speaks TLS 1.0."""
    if listener.props.get("protocol") in ("HTTPS", "TLS"):
        policy = listener.props.text("sslPolicy") or "ELBSecurityPolicy-2016-08"
        if not any(part in policy for part in ("TLS13-1-2", "TLS13-1-3", "TLS-1-2", "FS-1-2")):
            yield f"{policy} speaks older versions"


@rule(
    id="listener-redirects-http",
    title="Plain HTTP leads to HTTPS and nowhere else",
    types=(LISTENER,),
    level=MANDATORY_IN_PROD,
    severity="high",
    topics=("in transit",),
    references=("A", "C2-20", "F ELB.1"),
    remedy="Make the listener's default action a redirect to HTTPS.",
    compliant=[
        example(_listener(protocol="HTTP", defaultActions=[{"type": "redirect", "redirect": {"protocol": "HTTPS"}}])),
        example(_listener(protocol="HTTPS", defaultActions=[{"type": "forward"}])),
    ],
    non_compliant=[
        example(_listener(protocol="HTTP", defaultActions=[{"type": "forward"}])),
        example(_listener(protocol="HTTP", defaultActions=[{"type": "redirect", "redirect": {"protocol": "HTTP"}}])),
    ],
)
def listener_redirects_http(listener: Resource, _at: Context) -> Iterator[str]:
    """What is sent to port 80 can be read on the way. Where there is no domain yet, dev may do without."""
    if listener.props.get("protocol") != "HTTP":
        return
    for action in listener.props.items("defaultActions").blocks():
        if action.get("type") != "redirect" or action.get("redirect.protocol") == "HTTP":
            yield "requests over plain HTTP are answered"


@graph_rule(
    id="balancer-firewall",
    title="What the internet reaches stands behind a web firewall",
    types=(BALANCER,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("network",),
    references=("P", "C2-28", "F ELB.16"),
    remedy="Add a WebAclAssociation with the load balancer's ARN.",
    compliant=[
        example(
            _balancer(),
            aws("wafv2/webAclAssociation:WebAclAssociation", {"resourceArn": ref("web", "arn")}, name="association"),
        ),
        example(_balancer(internal=True)),
    ],
    non_compliant=[example(_balancer()), example(_balancer(internal=False))],
)
def balancer_firewall(balancer: Resource, at: Context) -> Iterator[str]:
    """Internal load balancers, and those that are no application load balancers, are left out."""
    if balancer.props.get("internal") or not is_application(balancer):
        return
    if not at.graph.children(balancer, WEB_ACL_ON, via="resourceArn"):
        yield "no web ACL is associated"


@rule(
    id="firewall-not-empty",
    title="A web firewall has rules",
    types=(WEB_ACL,),
    level=MANDATORY,
    severity="medium",
    topics=("network",),
    references=("C175", "C192"),
    remedy="Add AWS's managed groups: AWSManagedRulesCommonRuleSet, AWSManagedRulesKnownBadInputsRuleSet.",
    compliant=[
        example(aws("wafv2/webAcl:WebAcl", {"defaultAction": {"allow": {}}, "rules": [{"name": "a", "priority": 0}]})),
        example(aws("wafv2/webAcl:WebAcl", {"defaultAction": {"block": {}}})),
    ],
    non_compliant=[example(aws("wafv2/webAcl:WebAcl", {"defaultAction": {"allow": {}}}))],
)
def firewall_not_empty(acl: Resource, _at: Context) -> Iterator[str]:
    """Without rules a firewall that allows by default allows everything, and costs $5 a month."""
    if not acl.props.has("rules") and not acl.props.has("ruleJson") and not acl.props.has("defaultAction.block"):
        yield "there is no rule"


@graph_rule(
    id="firewall-logs",
    title="A web firewall records what it blocks",
    types=(WEB_ACL,),
    level=MANDATORY_IN_PROD,
    severity="low",
    topics=("logging",),
    references=("C2-31",),
    remedy="Add a WebAclLoggingConfiguration with the web ACL's ARN.",
    compliant=[
        example(
            aws("wafv2/webAcl:WebAcl", name="acl"),
            aws(
                "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
                {"resourceArn": ref("acl", "arn"), "logDestinationConfigs": ["arn"]},
                name="logging",
            ),
        )
    ],
    non_compliant=[example(aws("wafv2/webAcl:WebAcl", name="acl"))],
)
def firewall_logs(acl: Resource, at: Context) -> Iterator[str]:
    """Whether a rule blocks attackers or customers can be told only from these."""
    if not at.graph.children(acl, WEB_ACL_LOG, via="resourceArn"):
        yield "nothing is recorded"


RULES = (
    balancer_drops_bad_headers,
    balancer_two_zones,
    _access_logs,
    _deletion_protection,
    listener_tls,
    listener_redirects_http,
    balancer_firewall,
    firewall_not_empty,
    firewall_logs,
)
