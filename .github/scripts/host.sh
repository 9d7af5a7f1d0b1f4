#!/usr/bin/env bash
# host.sh HOST DOCUMENT TAG: has the host, found by its tag Name, bring its database's tables up to date and run the image
# with this tag; prints what it said. If the image does not answer, the host itself goes back, and this fails.
set -euo pipefail
shopt -s inherit_errexit
# A question refused once, mostly for too many, ends nothing; by itself the CLI asks three times within seconds.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8
host=$1 document=$2 tag=$3

command=$(aws ssm send-command --document-name "$document" --targets "Key=tag:Name,Values=$host" \
    --parameters "tag=$tag" --comment "$tag" --query Command.CommandId --output text)

# What came of it, as the host tells: a status, and at the end what its script wrote.
status() {
    aws ssm list-command-invocations --command-id "$command" --query "CommandInvocations[0].Status" --output text
}
output() {
    aws ssm list-command-invocations --command-id "$command" --details \
        --query "CommandInvocations[0].CommandPlugins[].Output" --output text
}

unanswered=0
# 26 minutes; the document gives up after 25.
for ((attempt = 1; attempt <= 312; attempt++)); do
    # What is refused once, mostly for too many questions, is asked again; a question costs the host nothing.
    if now=$(status); then unanswered=0; else now=Unanswered unanswered=$((unanswered + 1)); fi
    if ((unanswered > 5)); then
        echo "Systems Manager does not say what came of $tag; the host may run it" >&2
        exit 1
    fi
    case $now in
        Success)
            output
            exit 0
            ;;
        None)
            # Whoever is online has the command after seconds.
            if ((attempt > 12)); then
                echo "no instance called $host asks Systems Manager for work: is it running?" >&2
                exit 1
            fi
            ;;
        Pending | InProgress | Delayed | Cancelling | Unanswered) ;;
        *)
            output >&2
            echo "$host does not run $tag; above is why" >&2
            exit 1
            ;;
    esac
    sleep "${SECONDS_BETWEEN:-5}"
done
echo "$host has not said for 26 minutes what came of $tag" >&2
exit 1
