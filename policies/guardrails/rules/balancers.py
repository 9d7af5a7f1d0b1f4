"""Load balancers and the web firewall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, MANDATORY_IN_PROD, aws, example, graph_rule, ref, rule, setting
from guardrails.kit.firewalls import left_out
from guardrails.kit.reach import Reach

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Props, Resource


def _balancer(**props: Any) -> Any:
    return aws("lb/loadBalancer:LoadBalancer", props, name="web")


def _listener(**props: Any) -> Any:
    return aws("lb/listener:Listener", {"loadBalancerArn": "arn", **props})


def _group(**ingress: Any) -> Any:
    block = {"protocol": "tcp", "fromPort": 443, "toPort": 443, **ingress}
    return aws("ec2/securityGroup:SecurityGroup", {"ingress": [block]}, name="group")


def is_application(balancer: Resource) -> bool:
    return balancer.props.get("loadBalancerType", "application") == "application"


@rule(
    id="balancer-drops-bad-headers",
    title="Load balancers drop invalid headers",
    types=(types.LB_LOAD_BALANCER,),
    level=MANDATORY,
    severity="medium",
    topics=("network",),
    references=("C131", "C328"),
    remedy="Set dropInvalidHeaderFields.",
    remediate=lambda _balancer, _at: {"dropInvalidHeaderFields": True},
)
def balancer_drops_bad_headers(balancer: Resource, _at: Context) -> Iterator[str]:
    """Two servers that read a malformed header differently: that is how requests are smuggled."""
    if is_application(balancer) and not balancer.props.get("dropInvalidHeaderFields"):
        yield "invalid headers are passed on"


balancer_drops_bad_headers.examples(
    compliant=[_balancer(dropInvalidHeaderFields=True), _balancer(loadBalancerType="network")],
    non_compliant=[_balancer(), _balancer(dropInvalidHeaderFields=False)],
)


@rule(
    id="balancer-two-zones",
    title="Load balancers have subnets in two zones",
    types=(types.LB_LOAD_BALANCER,),
    level=MANDATORY,
    severity="medium",
    topics=("availability",),
    references=("F ELB.13",),
    remedy="Name subnets of two zones.",
)
def balancer_two_zones(balancer: Resource, _at: Context) -> Iterator[str]:
    """Subnets of two zones, by their number: a load balancer takes one subnet of each zone."""
    kind = balancer.props.get("loadBalancerType", "application")
    if kind == "gateway":
        return
    if len(balancer.props.items("subnets")) + len(balancer.props.items("subnetMappings")) == 1:
        refused = "; AWS refuses an application load balancer with one" if kind == "application" else ""
        yield f"all its subnets are in one zone{refused}"


balancer_two_zones.examples(
    compliant=[
        _balancer(subnets=["subnet-1", "subnet-2"]),
        _balancer(subnetMappings=[{"subnetId": "subnet-1"}, {"subnetId": "subnet-2"}]),
        _balancer(loadBalancerType="gateway", subnets=["subnet-1"]),
    ],
    non_compliant=[
        _balancer(subnets=["subnet-1"]),
        _balancer(loadBalancerType="network", subnetMappings=[{"subnetId": "subnet-1"}]),
    ],
)


balancer_access_logs = setting(
    id="balancer-access-logs",
    title="Load balancers have access logs",
    types=(types.LB_LOAD_BALANCER,),
    path="accessLogs.enabled",
    allowed=(True,),
    wrong=False,
    message="access logging is off",
    description="What a firewall rule or an attack did can be told only from these.",
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("logging",),
    references=("A", "P", "N-ELB2", "C91"),
    remedy="Set accessLogs with a bucket whose policy lets the log delivery write.",
)

balancer_deletion_protection = setting(
    id="balancer-deletion-protection",
    title="In production, load balancers have deletion protection",
    types=(types.LB_LOAD_BALANCER,),
    path="enableDeletionProtection",
    allowed=(True,),
    wrong=False,
    message="deletion protection is off",
    description="With the load balancer goes its DNS name, and everything that points there.",
    level=MANDATORY,
    severity="medium",
    topics=("backup",),
    environments=("prod",),
    references=("C150",),
    remedy="Set enableDeletionProtection.",
    remediates=True,
)


@rule(
    id="listener-tls",
    title="Listeners accept TLS 1.2 or newer only",
    types=(types.LB_LISTENER,),
    level=MANDATORY,
    severity="high",
    topics=("in transit",),
    references=("P", "C2", "C103"),
    remedy="Set sslPolicy to ELBSecurityPolicy-TLS13-1-2-Res-2021-06 or another that begins with TLS 1.2.",
    remediate=lambda _listener, _at: {"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"},
)
def listener_tls(listener: Resource, _at: Context) -> Iterator[str]:
    """AWS's default policy for what Pulumi makes still speaks TLS 1.0."""
    if listener.props.get("protocol") in ("HTTPS", "TLS"):
        policy = listener.props.text("sslPolicy") or "ELBSecurityPolicy-2016-08"
        if not any(part in policy for part in ("TLS13-1-2", "TLS13-1-3", "TLS-1-2", "FS-1-2")):
            yield f"{policy} accepts older versions"


listener_tls.examples(
    compliant=[
        _listener(protocol="HTTPS", sslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06"),
        _listener(protocol="HTTPS", sslPolicy="ELBSecurityPolicy-TLS-1-2-Ext-2018-06"),
        _listener(protocol="HTTP"),
    ],
    non_compliant=[
        _listener(protocol="HTTPS"),
        _listener(protocol="TLS", sslPolicy="ELBSecurityPolicy-2016-08"),
        _listener(protocol="HTTPS", sslPolicy="ELBSecurityPolicy-TLS13-1-0-2021-06"),
    ],
)


@rule(
    id="listener-redirects-http",
    title="HTTP listeners redirect to HTTPS",
    types=(types.LB_LISTENER,),
    level=MANDATORY_IN_PROD,
    severity="high",
    topics=("in transit",),
    references=("A", "C2-20", "F ELB.1"),
    remedy="Make the listener's default action a redirect to HTTPS.",
)
def listener_redirects_http(listener: Resource, _at: Context) -> Iterator[str]:
    """What is sent to port 80 can be read on the way. Where there is no domain yet, dev may do without."""
    if listener.props.get("protocol") != "HTTP":
        return
    for action in listener.props.items("defaultActions").blocks():
        if action.get("type") != "redirect" or action.get("redirect.protocol") == "HTTP":
            yield "plain HTTP is served, not redirected"


listener_redirects_http.examples(
    compliant=[
        _listener(protocol="HTTP", defaultActions=[{"type": "redirect", "redirect": {"protocol": "HTTPS"}}]),
        _listener(protocol="HTTPS", defaultActions=[{"type": "forward"}]),
    ],
    non_compliant=[
        _listener(protocol="HTTP", defaultActions=[{"type": "forward"}]),
        _listener(protocol="HTTP", defaultActions=[{"type": "redirect", "redirect": {"protocol": "HTTP"}}]),
    ],
)


@graph_rule(
    id="balancer-firewall",
    title="Internet-facing load balancers have a web ACL",
    types=(types.LB_LOAD_BALANCER,),
    level=MANDATORY_IN_PROD,
    severity="medium",
    topics=("network",),
    references=("P", "C2-28", "F ELB.16"),
    remedy="Add a WebAclAssociation with the load balancer's ARN.",
)
def balancer_firewall(balancer: Resource, at: Context) -> Iterator[str]:
    """Internal load balancers, and those that are no application load balancers, are left out; so are those that only
    the addresses of a prefix list reach, as CloudFront's: clients come to the distribution, where the web ACL is."""
    if balancer.props.get("internal") or not is_application(balancer):
        return
    if not at.graph.children(balancer, types.WEB_ACL_ASSOCIATION, via="resourceArn") and not _from_lists_only(
        balancer, at
    ):
        yield "no web ACL is associated"


balancer_firewall.examples(
    compliant=[
        example(
            _balancer(),
            aws("wafv2/webAclAssociation:WebAclAssociation", {"resourceArn": ref("web", "arn")}, name="association"),
        ),
        _balancer(internal=True),
        example(_group(prefixListIds=["pl-58a04531"]), _balancer(securityGroups=[ref("group")])),
    ],
    non_compliant=[
        _balancer(),
        _balancer(internal=False),
        example(_group(cidrBlocks=["0.0.0.0/0"]), _balancer(securityGroups=[ref("group")])),
    ],
)


def _from_lists_only(balancer: Resource, at: Context) -> bool:
    reach = Reach(at.graph)
    reach.require_known(balancer)
    openings = [each for group in reach.groups(balancer) for each in reach.openings(group, "ingress")]
    return bool(openings) and all(each.prefix_lists and not each.cidrs and not each.groups for each in openings)


_TO_BALANCER = {"originId": "api", "domainName": ref("web")}
_TO_API = {"originId": "api", "domainName": "api.example.com"}
_API = (
    aws("apigateway/restApi:RestApi", name="api"),
    aws("apigateway/stage:Stage", {"restApi": ref("api"), "stageName": "live"}, name="stage"),
    aws("apigateway/domainName:DomainName", {"domainName": "api.example.com"}, name="domain"),
    aws(
        "apigateway/basePathMapping:BasePathMapping",
        {"restApi": ref("api"), "domainName": "api.example.com", "stageName": "live"},
        name="mapping",
    ),
)


def _distribution(origin: Any) -> Any:
    return aws("cloudfront/distribution:Distribution", {"origins": [origin]}, name="site")


def _acl(statement: dict[str, Any]) -> Any:
    return aws(
        "wafv2/webAcl:WebAcl",
        {"defaultAction": {"allow": {}}, "rules": [{"name": "a", "priority": 0, "statement": statement}]},
        name="acl",
    )


def _before(name: str) -> Any:
    props = {"resourceArn": ref(name, "arn"), "webAclArn": ref("acl", "arn")}
    return aws("wafv2/webAclAssociation:WebAclAssociation", props, name="association")


def _rate(kind: str | None = None, **more: Any) -> dict[str, Any]:
    return {"rateBasedStatement": {"limit": 2000, **({"aggregateKeyType": kind} if kind else {}), **more}}


_FORWARDED = {"forwardedIpConfig": {"headerName": "X-Forwarded-For", "fallbackBehavior": "MATCH"}}
_OTHERS = {
    "scopeDownStatement": {
        "notStatement": {
            "statement": {
                "byteMatchStatement": {
                    "searchString": "s",
                    "positionalConstraint": "EXACTLY",
                    "fieldToMatch": {"singleHeader": {"name": "x-origin-secret"}},
                }
            }
        }
    }
}
_TELLING = {**_TO_BALANCER, "customHeaders": [{"name": "X-Origin-Secret", "value": "s"}]}
_REPUTATION = "AWSManagedRulesAmazonIpReputationList"


@graph_rule(
    id="firewall-knows-clients",
    title="The IP rules of a web ACL see the addresses of clients",
    types=(types.WEB_ACL,),
    level=MANDATORY,
    severity="high",
    topics=("network", "availability"),
    remedy="Put the web ACL on the distribution, or let the rule leave out what shows its secret header.",
)
def firewall_knows_clients(acl: Resource, at: Context) -> Iterator[str]:
    """Behind a distribution all requests come from CloudFront's few addresses: a limit by address blocks everybody at
    once, and a list of bad addresses finds none. X-Forwarded-For is no way out: AWS WAF takes its first address, which
    the client writes (https://docs.aws.amazon.com/waf/latest/APIReference/API_ForwardedIPConfig.html)."""
    distributions = _in_front(acl, at)
    front = [each.name for each in distributions]
    for rule_ in acl.props.items("rules").blocks():
        if rule_.has("statement.rateBasedStatement"):
            keys = _keys(rule_)
            header = rule_.text("statement.rateBasedStatement.forwardedIpConfig.headerName").lower()
            if "FORWARDED_IP" in keys and header == "x-forwarded-for":
                yield "a rate limit counts by the first address in X-Forwarded-For, which any client can forge"
            elif "IP" in keys and front and not _elsewhere(rule_, "rateBasedStatement", distributions):
                yield f"a rate limit counts all clients as one: all requests come from {front[0]}"
        elif (
            front
            and rule_.get("statement.managedRuleGroupStatement.name") == _REPUTATION
            and not _elsewhere(rule_, "managedRuleGroupStatement", distributions)
        ):
            yield f"the IP reputation list matches nobody: all requests come from {front[0]}"


firewall_knows_clients.examples(
    compliant=[
        example(_balancer(), _acl(_rate()), _before("web")),
        example(_acl(_rate("IP")), _balancer(), _distribution(_TO_BALANCER)),
        _acl(_rate("FORWARDED_IP", forwardedIpConfig={"headerName": "X-Client-IP", "fallbackBehavior": "MATCH"})),
        example(
            _balancer(),
            _acl({"managedRuleGroupStatement": {"vendorName": "AWS", "name": "AWSManagedRulesCommonRuleSet"}}),
            _before("web"),
            _distribution(_TO_BALANCER),
        ),
        example(_balancer(), _acl(_rate("IP", **_OTHERS)), _before("web"), _distribution(_TELLING)),
        example(
            _balancer(),
            _acl({"managedRuleGroupStatement": {"vendorName": "AWS", "name": _REPUTATION, **_OTHERS}}),
            _before("web"),
            _distribution(_TELLING),
        ),
    ],
    non_compliant=[
        example(_balancer(), _acl(_rate()), _before("web"), _distribution(_TO_BALANCER)),
        # The distribution shows nothing.
        example(_balancer(), _acl(_rate("IP", **_OTHERS)), _before("web"), _distribution(_TO_BALANCER)),
        example(
            _balancer(),
            aws("route53/record:Record", {"name": "api.example.com", "aliases": [{"name": ref("web")}]}, name="record"),
            _acl(_rate("IP")),
            _before("web"),
            _distribution(_TO_API),
        ),
        example(*_API, _acl(_rate("IP")), _before("stage"), _distribution(_TO_API)),
        _acl(_rate("FORWARDED_IP", **_FORWARDED)),
        _acl(_rate("CUSTOM_KEYS", customKeys=[{"forwardedIp": {}}, {"httpMethod": {}}], **_FORWARDED)),
        example(
            _balancer(),
            _acl({"managedRuleGroupStatement": {"vendorName": "AWS", "name": _REPUTATION}}),
            _before("web"),
            _distribution(_TO_BALANCER),
        ),
    ],
)


def _elsewhere(rule_: Props, kind: str, distributions: list[Resource]) -> bool:
    """Whether the rule is for those only who did not come by a distribution."""
    return any(left_out(each, distributions) for each in rule_.items(f"statement.{kind}").blocks())


def _keys(rule_: Props) -> set[str]:
    """What a limit counts by, as far as it is an address."""
    statement = "statement.rateBasedStatement"
    kind = rule_.get(f"{statement}.aggregateKeyType", "IP")
    if kind != "CUSTOM_KEYS":
        return {kind}
    names = {"ip": "IP", "forwardedIp": "FORWARDED_IP"}
    keys = list(rule_.items(f"{statement}.customKeys").blocks())
    return {names[name] for key in keys for name in names if key.has(name)}


def _in_front(acl: Resource, at: Context) -> list[Resource]:
    """The distributions that lead to what the firewall protects."""
    reach = Reach(at.graph)
    protected: list[Resource] = []
    for association in at.graph.known_children(acl, types.WEB_ACL_ASSOCIATION, via="webAclArn"):
        protected += at.graph.targets(association, types.LB_LOAD_BALANCER, via="resourceArn")
        for stage in at.graph.targets(association, types.APIGATEWAY_STAGE, via="resourceArn"):
            protected += at.graph.targets(stage, types.REST_API, via="restApi")
    return [each for one in protected for each in reach.in_front(one)]


@rule(
    id="firewall-not-empty",
    title="A web ACL has rules",
    types=(types.WEB_ACL,),
    level=MANDATORY,
    severity="medium",
    topics=("network",),
    references=("C175", "C192"),
    remedy="Add AWS's managed groups: AWSManagedRulesCommonRuleSet, AWSManagedRulesKnownBadInputsRuleSet.",
)
def firewall_not_empty(acl: Resource, _at: Context) -> Iterator[str]:
    """Without rules a web ACL that allows by default allows everything, and costs $5 a month."""
    if not acl.props.has("rules") and not acl.props.has("ruleJson") and not acl.props.has("defaultAction.block"):
        yield "it has no rules"


firewall_not_empty.examples(
    compliant=[
        aws("wafv2/webAcl:WebAcl", {"defaultAction": {"allow": {}}, "rules": [{"name": "a", "priority": 0}]}),
        aws("wafv2/webAcl:WebAcl", {"defaultAction": {"block": {}}}),
    ],
    non_compliant=[aws("wafv2/webAcl:WebAcl", {"defaultAction": {"allow": {}}})],
)


@graph_rule(
    id="firewall-logs",
    title="Web ACLs have logs",
    types=(types.WEB_ACL,),
    level=MANDATORY_IN_PROD,
    severity="low",
    topics=("logging",),
    references=("C2-31",),
    remedy="Add a WebAclLoggingConfiguration with the web ACL's ARN.",
)
def firewall_logs(acl: Resource, at: Context) -> Iterator[str]:
    """Whether a rule blocks attackers or customers can be told only from these."""
    if not at.graph.children(acl, types.WEB_ACL_LOGGING_CONFIGURATION, via="resourceArn"):
        yield "logging is off"


firewall_logs.examples(
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
    non_compliant=[aws("wafv2/webAcl:WebAcl", name="acl")],
)


def _rules(*priorities: int, listener: str = "https") -> list[Any]:
    return [
        aws(
            "lb/listenerRule:ListenerRule",
            {"listenerArn": ref(listener, "arn"), "priority": priority},
            name=f"{listener}-{number}",
        )
        for number, priority in enumerate(priorities)
    ]


_HTTPS = aws("lb/listener:Listener", {"loadBalancerArn": "arn"}, name="https")
_OTHER = aws("lb/listener:Listener", {"loadBalancerArn": "arn"}, name="other")


@graph_rule(
    id="listener-priorities-differ",
    title="No two rules of a listener have the same priority",
    types=(types.LB_LISTENER,),
    level=MANDATORY,
    severity="medium",
    topics=("fit",),
    remedy="Give each rule a priority of its own; the lower one is asked first.",
)
def listener_priorities_differ(listener: Resource, at: Context) -> Iterator[str]:
    """Elastic Load Balancing refuses the second (PriorityInUse), when the first and its service exist already."""
    by_priority: dict[float, list[str]] = {}
    for each in at.graph.children(listener, types.LISTENER_RULE, via="listenerArn"):
        priority = each.props.number("priority")
        if priority is not None:
            by_priority.setdefault(priority, []).append(each.name)
    for priority, names in sorted(by_priority.items()):
        if len(names) > 1:
            yield f"{' and '.join(sorted(names))} have the same priority {priority:g}"


listener_priorities_differ.examples(
    compliant=[
        example(_HTTPS, *_rules(100, 200)),
        example(_HTTPS, _OTHER, *_rules(100), *_rules(100, listener="other")),
    ],
    non_compliant=[example(_HTTPS, *_rules(100, 100)), example(_HTTPS, *_rules(1, 2, 1))],
)


def _log(*fields: dict[str, Any]) -> Any:
    props = {"resourceArn": "arn", "logDestinationConfigs": ["arn"], "redactedFields": list(fields)}
    return aws("wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", props, name="logging")


_HIDDEN = [{"singleHeader": {"name": name}} for name in ("authorization", "cookie", "referer")]


@rule(
    id="firewall-log-redacts",
    title="The log of a web ACL holds no tokens",
    types=(types.WEB_ACL_LOGGING_CONFIGURATION,),
    level=MANDATORY,
    severity="high",
    topics=("logging", "secrets"),
    remedy="Put queryString and the headers authorization, cookie and referer into redactedFields.",
)
def firewall_log_redacts(logging: Resource, _at: Context) -> Iterator[str]:
    """What is blocked or counted is recorded as it was sent; a referer repeats an address with its query."""
    fields = list(logging.props.items("redactedFields").blocks())
    headers = {field.text("singleHeader.name").lower() for field in fields if field.has("singleHeader")}
    open_ = [name for name in ("authorization", "cookie", "referer") if name not in headers]
    if not any(field.has("queryString") for field in fields):
        open_.append("the query string")
    if open_:
        yield f"the log shows {', '.join(open_)}"


firewall_log_redacts.examples(
    compliant=[_log({"queryString": {}}, *_HIDDEN)],
    non_compliant=[_log(), _log(*_HIDDEN), _log({"queryString": {}}, *_HIDDEN[:2])],
)


def _sampled(own: bool, of_rule: bool, **more: Any) -> Any:
    seen = {"cloudwatchMetricsEnabled": True, "metricName": "x"}
    rule_ = {"name": "a", "priority": 0, "visibilityConfig": {**seen, "sampledRequestsEnabled": of_rule}}
    props = {"rules": [rule_], "visibilityConfig": {**seen, "sampledRequestsEnabled": own}, **more}
    return aws("wafv2/webAcl:WebAcl", props, name="acl")


def _protected(*kinds: str) -> dict[str, Any]:
    hidden = [{"action": "SUBSTITUTION", "field": {"fieldType": kind}} for kind in kinds]
    return {"dataProtectionConfig": {"dataProtections": hidden}}


@rule(
    id="firewall-samples",
    title="The sampled requests of a web ACL show no tokens",
    types=(types.WEB_ACL,),
    level=MANDATORY,
    severity="medium",
    topics=("logging", "secrets"),
    environments=("prod",),
    remedy="Set sampledRequestsEnabled to false, or QUERY_STRING and SINGLE_HEADER in dataProtectionConfig.",
)
def firewall_samples(acl: Resource, _at: Context) -> Iterator[str]:
    """Samples of requests are in the console for hours, those too that pass; what the log hides is in them
    (https://docs.aws.amazon.com/waf/latest/developerguide/logging.html). In prod, where people are who have tokens."""
    sampled = [acl.props, *acl.props.items("rules").blocks()]
    if not any(each.get("visibilityConfig.sampledRequestsEnabled") for each in sampled):
        return
    hidden = {
        each.text("field.fieldType")
        for each in acl.props.items("dataProtectionConfig.dataProtections").blocks()
        if not each.get("field.fieldKeys")
    }
    if not {"QUERY_STRING", "SINGLE_HEADER"} <= hidden:
        yield "sampled requests show tokens"


firewall_samples.examples(
    compliant=[
        example(_sampled(own=False, of_rule=False), environment="prod"),
        example(_sampled(own=True, of_rule=True, **_protected("QUERY_STRING", "SINGLE_HEADER")), environment="prod"),
        _sampled(own=True, of_rule=True),
    ],
    non_compliant=[
        example(_sampled(own=True, of_rule=False), environment="prod"),
        example(_sampled(own=False, of_rule=True), environment="prod"),
        example(_sampled(own=False, of_rule=True, **_protected("SINGLE_HEADER")), environment="prod"),
    ],
)
