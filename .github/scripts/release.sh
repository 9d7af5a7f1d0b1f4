#!/usr/bin/env bash
# One commit in one environment, step by step. OUTPUTS is a file with what the stack exports (stack.sh outputs); parts that a
# stack does not have are passed over.
#   release.sh begin  OUTPUTS FOLDER       notes in FOLDER what runs now
#   release.sh choose OUTPUTS TAG          brings the tables up to date and has the next update run the images of TAG
#   release.sh settle OUTPUTS TAG          waits until all services run TAG, moves the calls of functions, uploads the site
#   release.sh back   OUTPUTS FOLDER       goes back to what `begin` noted; does nothing before that
# DEPLOY_PROFILE is the profile of the AWS CLI to do it with, where there is one.
set -euo pipefail
shopt -s inherit_errexit
# A question refused once, mostly for too many, ends nothing; by itself the CLI asks three times within seconds.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8
if [[ -n ${DEPLOY_PROFILE:-} ]]; then export AWS_PROFILE=$DEPLOY_PROFILE; fi
here=$(dirname "$0")
verb=$1 outputs=$2

variable() {
    jq -r --arg name "$1" '.githubVariables[$name] // empty' "$outputs"
}

cluster=$(variable ECS_CLUSTER)
services=$(variable ECS_SERVICES)
images=$(variable ECS_IMAGES)
bucket=$(variable SITE_BUCKET)

case $verb in
    begin)
        mkdir -p "$3"
        if [[ -n $images ]]; then
            "$here/service.sh" running "$cluster" "$services" >"$3/running"
            "$here/images.sh" chosen "$images" >"$3/chosen"
        fi
        touch "$3/noted"
        ;;
    choose)
        if [[ -n $images ]]; then
            # A step only adds, so the image that still runs does not mind.
            "$here/migrate.sh" "$cluster" "$services" "$3" "$images"
            "$here/images.sh" choose "$images" "$3"
        fi
        ;;
    settle)
        if [[ -n $images ]]; then
            "$here/service.sh" settled "$cluster" "$services" "$3"
            # From now on they expire after those that never ran.
            "$here/images.sh" ran "$images" "$3"
        fi
        published=$("$here/stack.sh" published <"$outputs")
        if [[ -n $published ]]; then "$here/function.sh" shift <<<"$published"; fi
        # Not before what it asks is there.
        if [[ -n $bucket ]]; then "$here/site.sh" workloads/site "$bucket" "$(variable SITE_DISTRIBUTION)"; fi
        ;;
    back)
        if [[ -e $3/noted && -n $images ]]; then
            "$here/images.sh" back "$(cat "$3/chosen")"
            "$here/service.sh" back "$cluster" "$services" "$(cat "$3/running")"
        fi
        ;;
    *)
        echo "release.sh: begin, choose, settle or back, not $verb" >&2
        exit 2
        ;;
esac
