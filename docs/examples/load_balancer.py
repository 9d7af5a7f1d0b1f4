"""A load balancer in the public subnets, over TLS, with a record of every request."""

from components.data.bucket import Bucket, BucketArgs
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.dns import Zone, ZoneArgs
from components.edge.load_balancer import LoadBalancer
from components.edge.load_balancer_args import LoadBalancerArgs
from components.network.vpc import Vpc, VpcArgs

network = Vpc("wiki-dev-network", VpcArgs(zones=2))
archive = Bucket("wiki-dev-log-archive", BucketArgs(encryption="s3", receives_logs_from=["elb"]))
zone = Zone("wiki-dev-domain", ZoneArgs(domain="example.com"))
certificate = Certificate("wiki-dev-tls", CertificateArgs(domains=["api.example.com"]), zone=zone)

web = LoadBalancer("wiki-dev-web", LoadBalancerArgs(), network=network, access_logs=archive, certificate=certificate)
zone.alias("api", web.dns_name, web.zone_id)
