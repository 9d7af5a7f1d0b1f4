"""The public names of a domain: one of them leads to a load balancer."""

from components.edge.dns import Zone, ZoneArgs

zone = Zone("wiki-dev-domain", ZoneArgs(domain="example.com"))
zone.alias("api", "wiki-dev-web-1234.ap-northeast-1.elb.amazonaws.com", "Z14GRHDCWA56QT")
