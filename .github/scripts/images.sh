#!/usr/bin/env bash
# The images of a stack. IMAGES has REPOSITORY,FOLDER,PLATFORM,PARAMETER for each, with spaces between them; the stack's
# output githubVariables has it as ECS_IMAGES. The parameter holds the tag that runs: every update of the stack reads it.
#   images.sh build  IMAGES TAG    builds and pushes each, if it is not there yet; prints REPOSITORY@DIGEST of each
#   images.sh scanned IMAGES TAG   fails unless ECR's scan of each ends without grave findings
#   images.sh copy   PAIRS TAG     gives each TO of FROM=TO, which are repositories, the same image
#   images.sh chosen IMAGES        prints PARAMETER=TAG of each that has an image of that tag
#   images.sh choose IMAGES TAG    has the next update run this tag of each
#   images.sh back   CHOSEN        writes again what `chosen` printed
#   images.sh ran    IMAGES TAG    keeps each from expiring before images that never ran
set -euo pipefail
shopt -s inherit_errexit
# A question refused once, mostly for too many, ends nothing; by itself the CLI asks three times within seconds.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8
here=$(dirname "$0")
verb=$1 tag=${3:-}
read -ra entries <<<"$2"
if [[ ${#entries[@]} == 0 && $verb != back ]]; then
    echo "images.sh: which images? The variable ECS_IMAGES of the environment names them" >&2
    exit 2
fi

choose() {
    aws ssm put-parameter --overwrite --name "$1" --value "$2" --query Version --output text >&2
    echo "$1 is $2" >&2
}

told=()
for entry in "${entries[@]}"; do
    IFS=, read -r repository folder platform parameter <<<"$entry"
    case $verb in
        build)
            digest=$("$here/image.sh" build "$repository" "$tag" "$platform" "$folder")
            told+=("$repository@$digest")
            ;;
        chosen)
            now=$(aws ssm get-parameter --name "$parameter" --query Parameter.Value --output text)
            # The tag that a new stack begins with was never pushed: it is nothing to go back to.
            there=$(aws ecr batch-get-image --repository-name "$repository" --image-ids "imageTag=$now" \
                --query "images[0].imageId.imageTag" --output text)
            if [[ $there != None ]]; then told+=("$parameter=$now"); fi
            ;;
        scanned) "$here/image.sh" scanned "$repository" "$tag" ;;
        copy) "$here/image.sh" copy "${entry%%=*}" "$tag" "${entry#*=}" ;;
        choose) choose "$parameter" "$tag" ;;
        back) choose "${entry%%=*}" "${entry#*=}" ;;
        ran) "$here/image.sh" ran "$repository" "$tag" ;;
        *)
            echo "images.sh: build, scanned, copy, chosen, choose, back or ran, not $verb" >&2
            exit 2
            ;;
    esac
done
if [[ ${#told[@]} != 0 ]]; then echo "${told[*]}"; fi
