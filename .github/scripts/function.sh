#!/usr/bin/env bash
# One Lambda function during a deployment, whose CodeDeploy application and group have its name:
#   function.sh shift FUNCTION ALIAS VERSION    moves the alias to this version, a share first, and waits until all calls
#                                               go there; fails when CodeDeploy has gone back to the version before
set -euo pipefail
verb=$1 function=$2 alias=$3 wanted=$4

# What CodeDeploy is given: an AppSpec, as a text within JSON.
revision() {
    python3 - "$function" "$alias" "$1" "$wanted" <<'PYTHON'
import json
import sys

name, alias, current, target = sys.argv[1:]
properties = {"Name": name, "Alias": alias, "CurrentVersion": current, "TargetVersion": target}
appspec = {"version": 0.0, "Resources": [{name: {"Type": "AWS::Lambda::Function", "Properties": properties}}]}
print(json.dumps({"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(appspec)}}))
PYTHON
}

case $verb in
    shift)
        current=$(aws lambda get-alias --function-name "$function" --name "$alias" --query FunctionVersion --output text)
        if [[ $current == "$wanted" ]]; then
            echo "$function:$alias is at version $wanted already"
            exit 0
        fi
        deployment=$(aws deploy create-deployment --application-name "$function" --deployment-group-name "$function" \
            --revision "$(revision "$current")" --query deploymentId --output text)
        if ! aws deploy wait deployment-successful --deployment-id "$deployment"; then
            echo "$function:$alias did not move from version $current to $wanted:" >&2
            aws deploy get-deployment --deployment-id "$deployment" \
                --query "deploymentInfo.[status, errorInformation.message, rollbackInfo.rollbackMessage]" --output text >&2
            exit 1
        fi
        echo "$function:$alias moved from version $current to $wanted"
        ;;
    *)
        echo "function.sh: shift, not $verb" >&2
        exit 2
        ;;
esac
