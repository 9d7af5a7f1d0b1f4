#!/usr/bin/env bash
# Lambda functions during a deployment, whose CodeDeploy applications and groups have their names:
#   function.sh shift    reads lines of FUNCTION ALIAS VERSION; moves all aliases to these versions at the same time, a share
#                        first, and waits until all calls go there; fails when CodeDeploy has taken one of them back
set -euo pipefail
shopt -s inherit_errexit
# A question refused once, mostly for too many, ends nothing; by itself the CLI asks three times within seconds.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8
verb=$1
# The slowest of the shifts that a stack may choose takes 100 minutes, and CodeDeploy some around it.
minutes=110

# What CodeDeploy is given: an AppSpec, as a text within JSON.
revision() {
    python3 - "$@" <<'PYTHON'
import json
import sys

name, alias, current, target = sys.argv[1:]
properties = {"Name": name, "Alias": alias, "CurrentVersion": current, "TargetVersion": target}
appspec = {"version": 0.0, "Resources": [{name: {"Type": "AWS::Lambda::Function", "Properties": properties}}]}
print(json.dumps({"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(appspec)}}))
PYTHON
}

asked() {
    aws deploy get-deployment --deployment-id "$1" --query "$2" --output text
}

if [[ $verb != shift ]]; then
    echo "function.sh: shift, not $verb" >&2
    exit 2
fi
deployments=() moves=()
while read -r function alias wanted; do
    if [[ -z $function ]]; then continue; fi
    current=$(aws lambda get-alias --function-name "$function" --name "$alias" --query FunctionVersion --output text)
    if [[ $current == "$wanted" ]]; then
        echo "$function:$alias is at version $wanted already"
        continue
    fi
    appspec=$(revision "$function" "$alias" "$current" "$wanted")
    deployment=$(aws deploy create-deployment --application-name "$function" --deployment-group-name "$function" \
        --revision "$appspec" --query deploymentId --output text)
    deployments+=("$deployment") moves+=("$function:$alias from version $current to $wanted")
done

failed=0
SECONDS=0
for index in "${!deployments[@]}"; do
    while :; do
        status=$(asked "${deployments[index]}" deploymentInfo.status)
        case $status in
            Succeeded)
                echo "moved ${moves[index]}"
                break
                ;;
            Failed | Stopped)
                echo "did not move ${moves[index]}:" >&2
                asked "${deployments[index]}" \
                    "deploymentInfo.[status, errorInformation.message, rollbackInfo.rollbackMessage]" >&2
                failed=1
                break
                ;;
        esac
        if ((SECONDS > minutes * 60)); then
            echo "after $minutes minutes CodeDeploy has not finished to move ${moves[index]}; it goes on: $status" >&2
            failed=1
            break
        fi
        sleep "${SECONDS_BETWEEN:-15}"
    done
done
exit "$failed"
