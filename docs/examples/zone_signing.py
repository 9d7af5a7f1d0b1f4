"""DNSSEC for a public zone; who must act when it is about to fail hears of it in us-east-1."""

from components.edge.dns import Zone, ZoneArgs
from components.edge.zone_signing import ZoneSigning, ZoneSigningArgs
from components.operations.topics import Topics, TopicsArgs

zone = Zone("wiki-dev-domain", ZoneArgs(domain="example.com"))
topics = Topics(
    "wiki-dev-us-east-alerts",
    TopicsArgs(emails=["ops@example.com"]),
    stem="wiki-dev",
    region="us-east-1",
    severities=("critical",),
)
ZoneSigning("wiki-dev-dnssec", ZoneSigningArgs(), zone=zone, topics=topics.alarm_topics)
