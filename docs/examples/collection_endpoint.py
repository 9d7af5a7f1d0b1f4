"""The way from a network to its collections."""

from components.data.collection_endpoint import CollectionEndpoint, CollectionEndpointArgs
from components.network.vpc import Vpc, VpcArgs

network = Vpc("wiki-dev-network", VpcArgs(nat="none"))

CollectionEndpoint("wiki-dev-collections", CollectionEndpointArgs(), network=network)
