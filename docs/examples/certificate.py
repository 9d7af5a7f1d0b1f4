"""A certificate for a name of the zone, which proves that the domain is ours by records in it."""

from components.edge.certificate import Certificate, CertificateArgs
from components.edge.dns import Zone, ZoneArgs

zone = Zone("wiki-dev-domain", ZoneArgs(domain="example.com"))
Certificate("wiki-dev-tls", CertificateArgs(domains=["api.example.com"]), zone=zone)
