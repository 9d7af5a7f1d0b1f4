"""A front end that a pipeline uploads, with an API at the same address below /api."""

from components.edge.site_routes import OriginAddress, OriginArgs
from components.edge.static_site import StaticSite, StaticSiteArgs

StaticSite(
    "wiki-dev-site",
    StaticSiteArgs(origins={"api": OriginArgs(paths=["/api/*"], strip_prefix="/api")}),
    addresses={"api": OriginAddress(domain="api.example.com")},
)
