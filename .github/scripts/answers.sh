#!/usr/bin/env bash
# answers.sh ADDRESS CHECKS: asks an address over HTTPS, and fails unless it answers as it should. CHECKS has PATH=STATUS with
# spaces between them, such as /api/health=200 /api/items=401: what must be refused is asked, too.
set -euo pipefail
shopt -s inherit_errexit
# Nothing here asks AWS itself; all scripts begin alike.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8
address=${1%/}
read -ra checks <<<"$2"
if [[ ${#checks[@]} == 0 ]]; then
    echo "answers.sh: what should $address answer? Nothing was asked" >&2
    exit 2
fi

failed=0
for check in "${checks[@]}"; do
    path=${check%=*} wanted=${check##*=} status=
    # What has just been deployed may need some seconds, and a wrong answer is none that a second question makes right.
    for ((attempt = 1; attempt <= 6; attempt++)); do
        status=$(curl --silent --output /dev/null --write-out '%{http_code}' --max-time 20 --proto =https "$address$path") ||
            status=none
        if [[ $status == "$wanted" ]]; then break; fi
        sleep "${SECONDS_BETWEEN:-10}"
    done
    if [[ $status == "$wanted" ]]; then
        echo "$path answers $status"
    else
        echo "$address$path answers $status instead of $wanted" >&2
        failed=1
    fi
done
exit "$failed"
