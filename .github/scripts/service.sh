#!/usr/bin/env bash
# One ECS service during a deployment:
#   service.sh running CLUSTER SERVICE               prints the task definition that runs now; nothing if there is no service
#   service.sh settled CLUSTER SERVICE TAG           waits until it is stable, and fails unless the image's tag is TAG then
#   service.sh back    CLUSTER SERVICE DEFINITION    gives it this task definition again, and waits until it is stable
set -euo pipefail
verb=$1 cluster=$2 service=$3 wanted=${4:-}

running() {
    local found
    found=$(aws ecs describe-services --cluster "$cluster" --services "$service" \
        --query "services[?status=='ACTIVE'].taskDefinition | [0]" --output text)
    # family:revision. With the ARN goes the account, which is masked, and GitHub drops an output that holds a masked text.
    if [[ $found != None ]]; then echo "${found##*/}"; fi
}

case $verb in
    running)
        running
        ;;
    settled)
        aws ecs wait services-stable --cluster "$cluster" --services "$service"
        definition=$(running)
        images=$(aws ecs describe-task-definition --task-definition "$definition" \
            --query "taskDefinition.containerDefinitions[].image" --output text)
        # A deployment that ECS has rolled back by itself is stable too, with the image of before.
        for image in $images; do
            if [[ $image == *":$wanted" ]]; then exit 0; fi
        done
        echo "$service is stable with $definition, which does not run $wanted: $images" >&2
        exit 1
        ;;
    back)
        if [[ -z $wanted ]]; then
            echo "$service did not run before: there is nothing to go back to" >&2
            exit 0
        fi
        if [[ $(running) != "$wanted" ]]; then
            aws ecs update-service --cluster "$cluster" --service "$service" --task-definition "$wanted" \
                --query service.taskDefinition --output text
        fi
        aws ecs wait services-stable --cluster "$cluster" --services "$service"
        ;;
    *)
        echo "service.sh: running, settled or back, not $verb" >&2
        exit 2
        ;;
esac
