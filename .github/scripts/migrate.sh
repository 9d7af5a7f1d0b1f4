#!/usr/bin/env bash
# migrate.sh CLUSTER SERVICES TAG REPOSITORY: runs the image REPOSITORY:TAG once, with all that a task of the first service
# with such an image has, to bring the database's tables up to date; fails if that does. SERVICES are names with spaces.
set -euo pipefail
cluster=$1 wanted=$3 repository=$4
read -ra services <<<"$2"

for service in "${services[@]}"; do
    definition=$(aws ecs describe-services --cluster "$cluster" --services "$service" \
        --query "services[?status=='ACTIVE'].taskDefinition | [0]" --output text)
    if [[ $definition == None ]]; then continue; fi
    # The same task with another image. What AWS tells beside that, it does not take back.
    next=$(aws ecs describe-task-definition --task-definition "$definition" --query taskDefinition --output json |
        jq -c --arg image "/$repository:" --arg tag "$wanted" '
            del(.taskDefinitionArn, .revision, .status, .requiresAttributes, .compatibilities, .registeredAt,
                .registeredBy, .deregisteredAt)
            | .containerDefinitions |= map(
                if .image | contains($image) then .image |= sub(":[^:/]*$"; ":" + $tag) else . end)')
    container=$(jq -r --arg image "/$repository:$wanted" \
        '[.containerDefinitions[] | select(.image | endswith($image)) | .name][0] // empty' <<<"$next")
    if [[ -z $container ]]; then continue; fi

    revision=$(aws ecs register-task-definition --cli-input-json "$next" \
        --query taskDefinition.taskDefinitionArn --output text)
    network=$(aws ecs describe-services --cluster "$cluster" --services "$service" \
        --query "services[0].networkConfiguration" --output json)
    overrides=$(jq -cn --arg name "$container" \
        '{containerOverrides: [{name: $name, command: ["python", "-m", "api.migrate"]}]}')
    task=$(aws ecs run-task --cluster "$cluster" --task-definition "$revision" --launch-type FARGATE \
        --network-configuration "$network" --overrides "$overrides" --query "tasks[0].taskArn" --output text)
    if [[ $task == None ]]; then
        echo "AWS started no task with $revision" >&2
        exit 1
    fi
    aws ecs wait tasks-stopped --cluster "$cluster" --tasks "$task"
    code=$(aws ecs describe-tasks --cluster "$cluster" --tasks "$task" \
        --query "tasks[0].containers[?name=='$container'].exitCode | [0]" --output text)
    if [[ $code != 0 ]]; then
        echo "the migration of $wanted ended with $code; the log of $service says why" >&2
        exit 1
    fi
    exit 0
done
echo "none of $2 runs an image of $repository: a first deployment makes its tables by itself" >&2
