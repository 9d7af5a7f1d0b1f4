#!/usr/bin/env bash
# The ECS services of a stack during a deployment; SERVICES are names with spaces between them, ten at most:
#   service.sh running CLUSTER SERVICES           prints SERVICE=DEFINITION for each that runs, with spaces between them
#   service.sh settled CLUSTER SERVICES TAG       waits until all are stable; fails unless each then runs an image of TAG
#   service.sh back    CLUSTER SERVICES RUNNING   gives each the task definition that `running` printed, and waits
# Where SERVICES is `none`, the stack has images and no service of its own: what ECS makes around a simple service goes back by
# itself, and there is nothing to wait for.
set -euo pipefail
# Otherwise what fails within $(…) counts as an empty answer.
shopt -s inherit_errexit
# A question refused once, mostly for too many, ends nothing; by itself the CLI asks three times within seconds.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8
verb=$1 cluster=$2 wanted=${4:-}
read -ra services <<< "$3"
if [[ ${#services[@]} == 0 ]]; then
    echo "service.sh: which services? The variable ECS_SERVICES of the environment names them" >&2
    exit 2
fi
if [[ ${services[*]} == none ]]; then exit 0; fi

# The definition that a service has; of those alone that satisfy a second condition, where one is given.
definition() {
    local found
    found=$(aws ecs describe-services --cluster "$cluster" --services "$1" \
        --query "services[?status=='ACTIVE'${2:+ && $2}].taskDefinition | [0]" --output text)
    # family:revision. With the ARN goes the account, which is masked, and GitHub drops an output that holds a masked text.
    if [[ $found != None ]]; then echo "${found##*/}"; fi
}

runs_wanted() {
    local definition=$2 images image
    # The caller goes on after a failure, so that errexit is off here.
    images=$(aws ecs describe-task-definition --task-definition "$definition" \
        --query "taskDefinition.containerDefinitions[].image" --output text) || return 1
    # A deployment that ECS has rolled back by itself is stable too, with the image of before.
    for image in $images; do
        if [[ $image == *":$wanted" ]]; then return 0; fi
    done
    echo "$1 is stable with $definition, which does not run $wanted: $images" >&2
    return 1
}

# The CLI waits 10 minutes. A deployment may take 20, as the provider allows it too.
stable() {
    aws ecs wait services-stable --cluster "$cluster" --services "$@" ||
        aws ecs wait services-stable --cluster "$cluster" --services "$@"
}

case $verb in
    running)
        all=()
        for service in "${services[@]}"; do
            # Before the first deployment a service waits for an image that nobody has pushed: no state to go back to.
            found=$(definition "$service" "(runningCount > \`0\` || desiredCount == \`0\`)")
            if [[ -n $found ]]; then all+=("$service=$found"); fi
        done
        echo "${all[*]}"
        ;;
    settled)
        stable "${services[@]}"
        status=0
        for service in "${services[@]}"; do
            found=$(definition "$service")
            runs_wanted "$service" "$found" || status=1
        done
        exit "$status"
        ;;
    back)
        known=()
        for service in "${services[@]}"; do
            before=
            for pair in $wanted; do
                if [[ ${pair%%=*} == "$service" ]]; then before=${pair#*=}; fi
            done
            if [[ -z $before ]]; then
                echo "$service did not run before: there is nothing to go back to" >&2
                continue
            fi
            known+=("$service")
            now=$(definition "$service")
            if [[ $now != "$before" ]]; then
                aws ecs update-service --cluster "$cluster" --service "$service" --task-definition "$before" \
                    --query service.taskDefinition --output text
            fi
        done
        if [[ ${#known[@]} != 0 ]]; then
            stable "${known[@]}"
        fi
        ;;
    *)
        echo "service.sh: running, settled or back, not $verb" >&2
        exit 2
        ;;
esac
