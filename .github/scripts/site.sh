#!/usr/bin/env bash
# site.sh FOLDER BUCKET DISTRIBUTION: uploads a built front end and has CloudFront drop what it keeps of the one before.
# Each file says what it is and how long a browser may keep it, as if the stack had put it there.
set -euo pipefail
shopt -s inherit_errexit
# A question refused once, mostly for too many, ends nothing; by itself the CLI asks three times within seconds.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8
folder=$1 bucket=$2 distribution=$3
python=${PYTHON:-.venv/bin/python}

# What is uploaded, and nothing beside it: no hidden file (.env, .git), which `aws s3 sync` would take along.
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# Key, type and Cache-Control of each file; those first whose names change with their content, the pages that name them last.
plan=$(PYTHONPATH=. "$python" - "$folder" "$stage" <<'PYTHON'
import shutil
import sys
from pathlib import Path

from components.edge.site_content import FOR_EVER, cache_control, content_type, site_keys
from components.errors import ArgumentError

try:
    keys = site_keys(Path(sys.argv[1]))
except ArgumentError as error:
    sys.exit(str(error))
if "index.html" not in keys:
    sys.exit(f"{sys.argv[1]} has no index.html: build the front end first")
for key, path in keys.items():
    copy = Path(sys.argv[2], key)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, copy)
files = [(key, content_type(key), cache_control(key, ["assets/*"])) for key in keys]
for file in sorted(files, key=lambda file: (file[2] != FOR_EVER, file[0].endswith(".html"), file[0])):
    print("\t".join(file))
PYTHON
)

while IFS=$'\t' read -r key type cache; do
    aws s3 cp --no-progress --content-type "$type" --cache-control "$cache" "$stage/$key" "s3://$bucket/$key"
done <<<"$plan"
# Pages that are no more. Assets stay: a page that somebody has open goes on asking for them, and so does an older site.
aws s3 sync --no-progress --delete --size-only --exclude "assets/*" "$stage" "s3://$bucket"

invalidation=$(aws cloudfront create-invalidation --distribution-id "$distribution" --paths "/*" \
    --query Invalidation.Id --output text)
aws cloudfront wait invalidation-completed --distribution-id "$distribution" --id "$invalidation"
echo "$folder is at CloudFront distribution $distribution"
