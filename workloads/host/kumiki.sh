#!/usr/bin/env bash
# The host of the application. What it works with stands in /etc/kumiki/host.env, and no secret is among it.
#   kumiki.sh prepare       makes a fresh Amazon Linux 2023 or Ubuntu 22.04 ready; any number of times
#   kumiki.sh up            fetches the secrets, brings the database's tables up to date and starts the application
#   kumiki.sh deploy TAG    the same with another image, and back to the one before if that does not answer
#   kumiki.sh heal          starts the application anew if Docker calls it unhealthy, with the secrets of now
#   kumiki.sh dump S3-URL   copies the database there, in the form that pg_restore reads
set -euo pipefail
umask 077
set -o allexport
# shellcheck source=/dev/null
source /etc/kumiki/host.env
set +o allexport
export AWS_DEFAULT_REGION=$AWS_REGION DOCKER_CONFIG=/run/kumiki/docker

# Not older than the database: pg_dump refuses a newer server. Pinned, because a tag can be moved to another image.
POSTGRES_IMAGE=docker.io/library/postgres:17-alpine@sha256:742f40ea20b9ff2ff31db5458d127452988a2164df9e17441e191f3b72252193

say() { echo "kumiki: $*" >&2; }

# The network, the volume and AWS may all be a little late at the first start.
retry() {
    local attempt
    for attempt in 1 2 3 4 5 6; do
        if "$@"; then return; fi
        say "failed (attempt $attempt of 6): $*"
        sleep $((attempt * 5))
    done
    return 1
}

packages() {
    if type -P docker aws curl >/dev/null; then return; fi
    case $SYSTEM in
        amazonLinux) retry dnf install --assumeyes --quiet docker ;; # the AWS CLI and curl are part of the image
        ubuntu)
            export DEBIAN_FRONTEND=noninteractive
            retry apt-get update --quiet
            retry apt-get install --quiet --assume-yes --no-install-recommends awscli curl docker.io
            ;;
        *) say "unknown system $SYSTEM" && return 1 ;;
    esac
}

# Docker Compose is in the packages of neither system in a version of today.
compose_plugin() {
    local plugin=/usr/local/lib/docker/cli-plugins/docker-compose
    if sha256sum --check --status <<<"$COMPOSE_SHA256  $plugin" 2>/dev/null; then return; fi
    install -d -m 0755 "${plugin%/*}"
    retry curl --fail --silent --show-error --location --output "$plugin.new" \
        "https://github.com/docker/compose/releases/download/v$COMPOSE_VERSION/docker-compose-linux-x86_64"
    sha256sum --check --quiet <<<"$COMPOSE_SHA256  $plugin.new"
    chmod 0755 "$plugin.new"
    mv "$plugin.new" "$plugin"
}

# 1 GiB of memory is enough for what runs, and not for every moment of a deployment.
swap() {
    if [[ ! -e /swapfile ]]; then
        dd if=/dev/zero of=/swapfile.new bs=1M count=1024 status=none
        mkswap /swapfile.new >/dev/null
        mv /swapfile.new /swapfile
    fi
    if ! swapon --show=NAME --noheadings | grep --quiet --line-regexp /swapfile; then swapon /swapfile; fi
    sysctl --quiet --write vm.swappiness=10
}

# What must outlive the instance is on a volume of its own. Only a volume without any content gets a file system.
data_volume() {
    local device=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${VOLUME_ID/-/} found=0
    if ! mountpoint --quiet /data; then
        retry test -e "$device"
        blkid --probe "$device" >/dev/null || found=$?
        case $found in
            0) ;;
            2) mkfs.ext4 -q -L kumiki-data "$device" ;;
            *) say "$device has a content that is not clear; nothing is done with it" && return 1 ;;
        esac
        install -d -m 0755 /data
        mount -o noatime,nodev,nosuid,noexec "$device" /data
    fi
    install -d -m 0700 -o 999 -g 1000 /data/redis # the user of the image
}

prepare() {
    packages
    compose_plugin
    swap
    data_volume
    systemctl enable --quiet --now docker
}

# Into memory only, and at every start: after a rotation the next start has the new ones.
fetch_secrets() {
    local origin database=""
    origin=$(retry aws ssm get-parameter --name "$ORIGIN_SECRET_PARAMETER" --with-decryption \
        --query Parameter.Value --output text)
    case $DATABASE_SECRET_ARN in
        "") ;;
        *:ssm:*) # a parameter, where a secret would not be free
            database=$(retry aws ssm get-parameter --name "${DATABASE_SECRET_ARN#*:parameter}" --with-decryption \
                --query Parameter.Value --output text)
            ;;
        *)
            database=$(retry aws secretsmanager get-secret-value --secret-id "$DATABASE_SECRET_ARN" \
                --query SecretString --output text)
            ;;
    esac
    export ORIGIN_SECRET=$origin DATABASE_SECRET=$database
}

fetch_image() {
    export IMAGE=$IMAGE_REPOSITORY:$1
    if docker image inspect "$IMAGE" >/dev/null 2>&1; then return; fi
    aws ecr get-login-password | docker login --username AWS --password-stdin "${IMAGE_REPOSITORY%%/*}" >&2 &&
        docker pull --quiet "$IMAGE" >&2
}

compose() { docker compose --file /opt/kumiki/compose.yaml --project-name kumiki "$@"; }

migrate() {
    if [[ -z $DATABASE_SECRET_ARN ]]; then return; fi
    compose run --rm --no-deps --quiet-pull api python -m api.migrate
}

# Through the proxy and to the database, as a request goes.
answers() {
    local attempt
    for attempt in $(seq 12); do
        if curl --fail --silent --max-time 5 --output /dev/null --config - http://127.0.0.1/ready \
            <<<"header = \"X-Origin-Secret: $ORIGIN_SECRET\""; then return; fi
        say "no answer yet ($attempt of 12)"
        sleep 5
    done
    return 1
}

# With && because bash forgets about `errexit` in whatever is asked for its success.
start() {
    fetch_image "$1" && compose up --detach --remove-orphans "${@:2}" && answers
}

is_tag() { [[ $1 =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ ]]; }

# What ran last. Never the first image in place of what cannot be read: that would go back to it in silence.
current() {
    local tag=$FIRST_TAG
    if [[ -e /data/tag ]]; then tag=$(</data/tag); fi
    if ! is_tag "$tag"; then say "/data/tag holds no tag of an image; deploy one" && return 1; fi
    echo "$tag"
}

# Whole or not at all, whenever the power goes.
keep() {
    echo "$1" >/data/tag.new
    sync /data/tag.new
    mv /data/tag.new /data/tag
    sync /data
}

up() {
    local tag
    prepare
    tag=$(current)
    fetch_secrets
    fetch_image "$tag"
    migrate
    start "$tag"
}

deploy() {
    local tag=$1 before
    if ! is_tag "$tag"; then say "$tag is not the tag of an image" && return 2; fi
    prepare
    before=$(current) || true
    fetch_secrets
    fetch_image "$tag"
    # Only ever adds, so that the image of before still works with the tables.
    migrate
    if start "$tag"; then
        keep "$tag"
        docker image prune --all --force >/dev/null
        say "$tag runs"
        return
    fi
    compose logs --tail 50 api >&2 || true
    if [[ -z $before ]]; then say "$tag does not answer, and nobody knows what ran before" && return 1; fi
    say "$tag does not answer; going back to $before"
    if start "$before"; then say "$before runs again"; else say "$before does not answer either"; fi
    return 1
}

heal() {
    local name state tag sick=()
    # Before the first start, and after one that failed, systemd tries by itself.
    if ! systemctl is-active --quiet kumiki.service; then return; fi
    for name in redis api proxy; do
        state=$(docker inspect --format '{{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}' "$name" 2>/dev/null) ||
            state=missing
        case $state in
            "running " | "running healthy" | "running starting") ;;
            *) sick+=("$name") && say "$name is ${state% } and is started anew" ;;
        esac
    done
    if [[ ${#sick[@]} == 0 ]]; then return; fi
    tag=$(current)
    fetch_secrets
    start "$tag" --force-recreate --no-deps "${sick[@]}"
}

login_part() { python3 -c 'import json, os, sys; print(json.loads(os.environ["DATABASE_SECRET"])[sys.argv[1]])' "$1"; }

# Straight to S3: nothing of it stays on the host. S3 keeps what it was sent once the input ends, so the input of the
# upload ends only behind a whole dump; an upload that is ended before leaves parts, which the bucket drops by itself.
dump() {
    local to=$1 upload
    if [[ ! $to =~ ^s3://[a-z0-9.-]+/[A-Za-z0-9/._-]+$ ]]; then say "$to is not a place in S3" && return 2; fi
    if [[ -z $DATABASE_SECRET_ARN ]]; then say "there is no database" && return 2; fi
    fetch_secrets
    PGUSER=$(login_part username)
    PGPASSWORD=$(login_part password)
    export PGUSER PGPASSWORD PGHOST=$DATABASE_HOST PGPORT=$DATABASE_PORT PGDATABASE=$DATABASE_NAME PGSSLMODE=require
    # The values come by the environment: every program of the host could read them on a command line.
    exec 8> >(exec aws s3 cp --only-show-errors - "$to")
    upload=$!
    if ! docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --memory 128m --user 70:70 \
        --env PGUSER --env PGPASSWORD --env PGHOST --env PGPORT --env PGDATABASE --env PGSSLMODE \
        "$POSTGRES_IMAGE" pg_dump --format custom --no-owner >&8; then
        kill "$upload" || true
        exec 8>&-
        say "the dump failed; nothing is kept of it"
        return 1
    fi
    exec 8>&-
    wait "$upload"
    say "the database is copied to $to"
}

install -d -m 0700 /run/kumiki
# One at a time: a start, a deployment and a cure would undo each other's work, and a migration would stand in everybody's
# way while it waits for a dump. A dump, which may take long, keeps nobody from a cure.
exec 7>/run/kumiki/tables 9>/run/kumiki/lock
alone() {
    if flock --nonblock "$1" || { say "waiting for $2" && flock --timeout 600 "$1"; }; then return; fi
    say "$2 has not ended for 10 minutes; nothing is done"
    return 1
}
case ${1:-} in
    prepare | up | deploy)
        alone 7 "a dump"
        alone 9 "another start or deployment"
        "$@"
        ;;
    dump)
        alone 7 "another dump, start or deployment"
        "$@"
        ;;
    heal)
        flock --nonblock 9 || exit 0
        heal
        ;;
    *) say "prepare, up, deploy TAG, heal or dump S3-URL, not ${1:-nothing}" && exit 2 ;;
esac
