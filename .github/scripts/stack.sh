#!/usr/bin/env bash
# The stack of an environment, by Pulumi. What somebody approved is what is done:
#   stack.sh plan      STACK FOLDER   judges what an update would change, and writes it to FOLDER: plan.json for `apply`,
#                                     preview.txt for a person
#   stack.sh apply     STACK FOLDER   does what FOLDER/plan.json says; what would differ from it fails
#   stack.sh update    STACK          plans and applies at once, where nobody stands between
#   stack.sh outputs   STACK          prints what the stack exports, as JSON
#   stack.sh summary   FOLDER         prints in one line what the plan in FOLDER would do
#   stack.sh published                reads what `outputs` printed; prints FUNCTION ALIAS VERSION of each function whose calls
#                                     CodeDeploy moves. Names only: GitHub drops what has the account's number in it
# STACK_PROFILE is the profile of the AWS CLI to do it with, where there is one. PLANNED_IMAGE_TAG is read by the program: the
# tag that `plan` takes for chosen already.
set -euo pipefail
shopt -s inherit_errexit
# A question refused once, mostly for too many, ends nothing; by itself the CLI asks three times within seconds.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8
if [[ -n ${STACK_PROFILE:-} ]]; then export AWS_PROFILE=$STACK_PROFILE; fi
verb=$1

plan() {
    mkdir -p "$2"
    # Nothing is begun that loses data, or that the engine or AWS would refuse half-way.
    pulumi stack export --stack "$1" --file "$2/state.json"
    .venv/bin/python -m changes "$1" --against "$2/state.json"
    rm -f "$2/state.json"
    # Nor one that a policy would stop. The rules over the whole stack are judged at its end: in an update when everything
    # exists, here before. A roll-back changes services behind the stack's back: look first at what is there.
    pulumi preview --stack "$1" --policy-pack policies --refresh --diff --save-plan "$2/plan.json" | tee "$2/preview.txt"
}

apply() {
    pulumi up --stack "$1" --policy-pack policies --refresh --yes --skip-preview --plan "$2/plan.json"
}

case $verb in
    plan) plan "$2" "$3" ;;
    apply) apply "$2" "$3" ;;
    update)
        folder=$(mktemp -d)
        trap 'rm -rf "$folder"' EXIT
        plan "$2" "$folder"
        apply "$2" "$folder"
        ;;
    outputs) pulumi stack output --stack "$2" --json ;;
    summary)
        # Such as `+ 2 to create`, `~ 1 to update`, `4 unchanged`, below the word Resources.
        sed -n '/^Resources:/,$p' "$2/preview.txt" | sed -n 's/^ \{1,\}\([-+~0-9].*\)/\1/p' | paste -s -d, - | cut -c 1-300
        ;;
    published)
        jq -r '. as $all | .functionDeployments // {} | to_entries[]
            | "\(.value) \($all.functionAliases[.key] | split(":") | last) \($all.functionVersions[.key])"'
        ;;
    *)
        echo "stack.sh: plan, apply, update, outputs, summary or published, not $verb" >&2
        exit 2
        ;;
esac
