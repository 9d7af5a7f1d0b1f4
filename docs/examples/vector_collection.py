"""A collection for full text and vectors, reached from the network only, and a role that may search one index of it."""

import json

import pulumi_aws as aws

from components.data.collection_endpoint import CollectionEndpoint, CollectionEndpointArgs
from components.data.vector_collection import VectorCollection
from components.data.vector_collection_args import VectorCollectionArgs
from components.network.vpc import Vpc, VpcArgs

trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
role = aws.iam.Role("wiki-dev-finder", assume_role_policy=json.dumps(trust))

network = Vpc("wiki-dev-network", VpcArgs(nat="none"))
endpoint = CollectionEndpoint("wiki-dev-collections", CollectionEndpointArgs(), network=network)
search = VectorCollection("wiki-dev-search", VectorCollectionArgs(standby_replicas=False), endpoint=endpoint)
search.grant_search(role, "pages")
