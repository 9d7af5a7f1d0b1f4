#!/usr/bin/env bash
# image.sh REPOSITORY TAG PLATFORM: build workloads/api and push it to ECR; prints its digest, and nothing else to stdout.
# A tag that is there already is not built again: the repository would refuse it, and a second run must not fail.
set -euo pipefail
repository=$1 tag=$2 platform=$3

digest() {
    aws ecr describe-images --repository-name "$repository" --image-ids "imageTag=$tag" \
        --query "imageDetails[0].imageDigest" --output text
}

# Any other failure comes up again at the push.
if digest 2>/dev/null; then exit 0; fi

registry=$(aws ecr get-authorization-token --query "authorizationData[0].proxyEndpoint" --output text)
registry=${registry#https://}
aws ecr get-login-password | docker login --username AWS --password-stdin "$registry" >&2

# The tag as the Dockerfile names it, resolved once, so that both stages and the label speak of the same base.
base=$(sed -n 's/^ARG PYTHON=//p' workloads/api/Dockerfile)
base="$base@$(docker buildx imagetools inspect "$base" --format '{{json .Manifest}}' | jq -r .digest)"
docker buildx build --platform "$platform" --provenance=false --push \
    --build-arg "PYTHON=$base" \
    --label "org.opencontainers.image.base.name=$base" \
    --label "org.opencontainers.image.revision=$tag" \
    --tag "$registry/$repository:$tag" workloads/api >&2
digest
