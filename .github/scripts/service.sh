#!/usr/bin/env bash
# The ECS services of a stack during a deployment; SERVICES are names with spaces between them, ten at most:
#   service.sh running CLUSTER SERVICES           prints SERVICE=DEFINITION for each that runs, with spaces between them
#   service.sh settled CLUSTER SERVICES TAG       waits until all are stable; fails unless each then runs an image of TAG
#   service.sh back    CLUSTER SERVICES RUNNING   gives each the task definition that `running` printed, and waits
set -euo pipefail
verb=$1 cluster=$2 wanted=${4:-}
read -ra services <<< "$3"
if [[ ${#services[@]} == 0 ]]; then
    echo "service.sh: which services? The variable ECS_SERVICES of the environment names them" >&2
    exit 2
fi

running() {
    local found
    found=$(aws ecs describe-services --cluster "$cluster" --services "$1" \
        --query "services[?status=='ACTIVE'].taskDefinition | [0]" --output text)
    # family:revision. With the ARN goes the account, which is masked, and GitHub drops an output that holds a masked text.
    if [[ $found != None ]]; then echo "${found##*/}"; fi
}

runs_wanted() {
    local definition images image
    definition=$(running "$1")
    images=$(aws ecs describe-task-definition --task-definition "$definition" \
        --query "taskDefinition.containerDefinitions[].image" --output text)
    # A deployment that ECS has rolled back by itself is stable too, with the image of before.
    for image in $images; do
        if [[ $image == *":$wanted" ]]; then return 0; fi
    done
    echo "$1 is stable with $definition, which does not run $wanted: $images" >&2
    return 1
}

case $verb in
    running)
        all=()
        for service in "${services[@]}"; do
            definition=$(running "$service")
            if [[ -n $definition ]]; then all+=("$service=$definition"); fi
        done
        echo "${all[*]}"
        ;;
    settled)
        aws ecs wait services-stable --cluster "$cluster" --services "${services[@]}"
        status=0
        for service in "${services[@]}"; do runs_wanted "$service" || status=1; done
        exit "$status"
        ;;
    back)
        known=()
        for service in "${services[@]}"; do
            definition=
            for pair in $wanted; do
                if [[ ${pair%%=*} == "$service" ]]; then definition=${pair#*=}; fi
            done
            if [[ -z $definition ]]; then
                echo "$service did not run before: there is nothing to go back to" >&2
                continue
            fi
            known+=("$service")
            if [[ $(running "$service") != "$definition" ]]; then
                aws ecs update-service --cluster "$cluster" --service "$service" --task-definition "$definition" \
                    --query service.taskDefinition --output text
            fi
        done
        if [[ ${#known[@]} != 0 ]]; then
            aws ecs wait services-stable --cluster "$cluster" --services "${known[@]}"
        fi
        ;;
    *)
        echo "service.sh: running, settled or back, not $verb" >&2
        exit 2
        ;;
esac
