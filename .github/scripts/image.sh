#!/usr/bin/env bash
# One image:
#   image.sh build REPOSITORY TAG PLATFORM FOLDER    builds it from the folder's Dockerfile and pushes it to ECR; prints its
#                                                    digest, and nothing else to stdout
#   image.sh scanned REPOSITORY TAG                  waits for ECR's scan of it; fails where a finding is high or critical
#   image.sh copy  REPOSITORY TAG TO                 gives a second repository the same image, by its digest
#   image.sh ran   REPOSITORY TAG                    gives it the second tag ran-TAG: the repository keeps a number of those,
#                                                    whatever is pushed and never runs
# With IMAGE_CACHE=ecr, `build` takes over what the image pushed last has in common.
# An image that is there already is not built again: the repository would refuse it, and a second run must not fail.
set -euo pipefail
shopt -s inherit_errexit
# A question refused once, mostly for too many, ends nothing; by itself the CLI asks three times within seconds.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8
verb=$1 repository=$2 tag=$3

digest() {
    aws ecr describe-images --repository-name "$repository" --image-ids "imageTag=$1" \
        --query "imageDetails[0].imageDigest" --output text
}

log_in() {
    registry=$(aws ecr get-authorization-token --query "authorizationData[0].proxyEndpoint" --output text)
    registry=${registry#https://}
    aws ecr get-login-password | docker login --username AWS --password-stdin "$registry" >&2
}

build() {
    local platform=$1 folder=$2 registry base pinned last cache=()
    log_in
    if [[ ${IMAGE_CACHE:-} == ecr ]]; then
        # Within the image itself: the repository's tags cannot be moved, so that there can be none for a cache alone.
        cache=(--cache-to type=inline)
        last=$(aws ecr describe-images --repository-name "$repository" --filter tagStatus=TAGGED \
            --query "sort_by(imageDetails, &imagePushedAt)[-1].imageTags[0]" --output text)
        if [[ $last != None ]]; then cache+=(--cache-from "type=registry,ref=$registry/$repository:$last"); fi
    fi

    # The tag as the Dockerfile names it, resolved once, so that both stages and the label speak of the same base.
    base=$(sed -n 's/^ARG PYTHON=//p' "$folder/Dockerfile")
    pinned=$(docker buildx imagetools inspect "$base" --format '{{json .Manifest}}' | jq -er .digest)
    # Beside its folder an image may take files of its neighbours, by the name `workloads`.
    docker buildx build --platform "$platform" --provenance=false --push "${cache[@]}" \
        --build-context "workloads=$(dirname "$folder")" \
        --build-arg "PYTHON=$base@$pinned" \
        --label "org.opencontainers.image.base.name=$base@$pinned" \
        --label "org.opencontainers.image.revision=$tag" \
        --tag "$registry/$repository:$tag" "$folder" >&2
}

case $verb in
    build)
        # Any other failure comes up again at the push.
        if digest "$tag" 2>/dev/null; then exit 0; fi
        build "$4" "$5"
        digest "$tag"
        ;;
    scanned)
        # The CLI's waiter asks for five minutes.
        aws ecr wait image-scan-complete --repository-name "$repository" --image-id "imageTag=$tag"
        grave=$(aws ecr describe-image-scan-findings --repository-name "$repository" --image-id "imageTag=$tag" \
            --query "imageScanFindings.findingSeverityCounts.[CRITICAL, HIGH]" --output text)
        # Kinds of which there are none are not counted.
        if [[ ${grave//[[:space:]]/} =~ [1-9] ]]; then
            echo "$repository:$tag has findings (critical, high): $grave; see them in ECR" >&2
            exit 1
        fi
        ;;
    copy)
        if aws ecr describe-images --repository-name "$4" --image-ids "imageTag=$tag" >/dev/null 2>&1; then exit 0; fi
        found=$(digest "$tag")
        log_in
        # As it is: otherwise an index would be made around it, which has another digest.
        docker buildx imagetools create --prefer-index=false --tag "$registry/$4:$tag" "$registry/$repository@$found" >&2
        ;;
    ran)
        if digest "ran-$tag" >/dev/null 2>&1; then exit 0; fi
        manifest=$(aws ecr batch-get-image --repository-name "$repository" --image-ids "imageTag=$tag" \
            --query "images[0].imageManifest" --output text)
        if [[ $manifest == None ]]; then
            echo "$repository has no image $tag" >&2
            exit 1
        fi
        aws ecr put-image --repository-name "$repository" --image-tag "ran-$tag" --image-manifest "$manifest" \
            --query image.imageId.imageTag --output text >&2
        ;;
    *)
        echo "image.sh: build, scanned, copy or ran, not $verb" >&2
        exit 2
        ;;
esac
