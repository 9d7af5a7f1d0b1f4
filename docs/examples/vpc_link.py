"""An HTTP API before services that nobody else reaches: the load balancer is internal."""

from components.data.bucket import Bucket, BucketArgs
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.dns import Zone, ZoneArgs
from components.edge.http_api import HttpApi, HttpApiArgs, HttpRoute, JwtAuthorizer
from components.edge.load_balancer import LoadBalancer
from components.edge.load_balancer_args import LoadBalancerArgs
from components.edge.vpc_link import VpcLink, VpcLinkArgs
from components.identity.user_pool import UserPool
from components.identity.user_pool_args import Client, UserPoolArgs
from components.network.vpc import Vpc, VpcArgs

network = Vpc("wiki-dev-network", VpcArgs(zones=2, tiers=["private"]))
archive = Bucket("wiki-dev-log-archive", BucketArgs(encryption="s3", receives_logs_from=["elb"]))
zone = Zone("wiki-dev-domain", ZoneArgs(domain="example.com"))
tls = Certificate("wiki-dev-tls", CertificateArgs(domains=["api.example.com"]), zone=zone)
internal = LoadBalancerArgs(allow_from=["apiGateway"])
web = LoadBalancer("wiki-dev-web", internal, network=network, access_logs=archive, certificate=tls)
clients = {"web": Client(callback_urls=["https://www.example.com/"])}
users = UserPool("wiki-dev-users", UserPoolArgs(domain_prefix="wiki-dev", clients=clients))

link = VpcLink("wiki-dev-link", VpcLinkArgs(), network=network, load_balancer=web, server_name="api.example.com")
HttpApi(
    "wiki-dev-http",
    HttpApiArgs(routes={"ANY /{proxy+}": HttpRoute(load_balancer=True)}, authorizer=JwtAuthorizer(user_pool=True)),
    functions={},
    link=link,
    user_pool=users,
)
