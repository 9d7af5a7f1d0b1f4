"""A web firewall for a load balancer that only counts at first what it would turn away."""

from components.edge.web_acl import WebAcl, WebAclArgs

WebAcl("wiki-dev-firewall", WebAclArgs(mode="count", rate_limit=2000), before="load-balancer")
