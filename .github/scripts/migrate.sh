#!/usr/bin/env bash
# migrate.sh CLUSTER SERVICES TAG IMAGES: for each image whose folder has a migrate.py, runs the image with this tag once,
# with all that a task of the first service with such an image has, to bring the database's tables up to date; fails if that
# does. SERVICES are names with spaces between them, IMAGES as in images.sh.
set -euo pipefail
shopt -s inherit_errexit
# A question refused once, mostly for too many, ends nothing; by itself the CLI asks three times within seconds.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8
cluster=$1 wanted=$3
read -ra services <<<"$2"
# A stack with images and no service of its own (service.sh): nothing to migrate with.
if [[ ${services[*]} == none ]]; then exit 0; fi
read -ra images <<<"$4"
# A task that starts (5), another migration that goes first, and one of its own: 15 for a statement (migrate.py).
minutes=35

told() {
    aws ecs describe-services --cluster "$cluster" --services "$1" --query "$2" --output "$3"
}

# Waits for a task's end. The CLI's own waiter gives up after ten minutes.
stopped() {
    local status
    SECONDS=0
    while :; do
        status=$(aws ecs describe-tasks --cluster "$cluster" --tasks "$1" --query "tasks[0].lastStatus" --output text)
        if [[ $status == STOPPED ]]; then return; fi
        if ((SECONDS > minutes * 60)); then
            echo "after $minutes minutes the migration of $wanted is still $status: the task $1 goes on" >&2
            exit 1
        fi
        sleep "${SECONDS_BETWEEN:-6}"
    done
}

# Runs the module in the image; does nothing where no service runs such an image yet.
migrate() {
    local repository=$1 module=$2 service definition next container revision network overrides task code
    for service in "${services[@]}"; do
        definition=$(told "$service" "services[?status=='ACTIVE'].taskDefinition | [0]" text)
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
        network=$(told "$service" "services[0].networkConfiguration" json)
        overrides=$(jq -cn --arg name "$container" --arg program "$module" \
            '{containerOverrides: [{name: $name, command: ["python", "-m", $program]}]}')
        task=$(aws ecs run-task --cluster "$cluster" --task-definition "$revision" --launch-type FARGATE \
            --network-configuration "$network" --overrides "$overrides" --query "tasks[0].taskArn" --output text)
        if [[ $task == None ]]; then
            echo "AWS started no task with $revision" >&2
            exit 1
        fi
        stopped "$task"
        code=$(aws ecs describe-tasks --cluster "$cluster" --tasks "$task" \
            --query "tasks[0].containers[?name=='$container'].exitCode | [0]" --output text)
        if [[ $code != 0 ]]; then
            echo "the migration of $wanted ended with $code; the log of $service says why" >&2
            exit 1
        fi
        return
    done
    echo "none of ${services[*]} runs an image of $repository yet: nothing to migrate with" >&2
}

for image in "${images[@]}"; do
    IFS=, read -r repository folder _ <<<"$image"
    if [[ -f $folder/migrate.py ]]; then migrate "$repository" "$(basename "$folder").migrate"; fi
done
