#!/usr/bin/env bash
# audit.sh FILE…: holds what the requirements files pin against Amazon Inspector's knowledge of faults, and fails where one of
# them is high or critical. (What an image has beside them, ECR finds: images.sh scanned.)
set -euo pipefail
shopt -s inherit_errexit
# A question refused once, mostly for too many, ends nothing; by itself the CLI asks three times within seconds.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8
python=${PYTHON:-python3}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$python" - "$@" >"$folder/sbom.json" <<'PYTHON'
import json
import re
import sys
from pathlib import Path

pins = sorted({pin for file in sys.argv[1:] for pin in re.findall(r"(?m)^([\w.-]+)==([\w.+!-]+)", Path(file).read_text())})
if not pins:
    sys.exit(f"{' '.join(sys.argv[1:]) or 'no file'}: nothing is pinned there")
components = [
    {"bom-ref": f"{name}-{version}", "type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}
    for name, version in pins
]
print(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components}))
PYTHON

aws inspector-scan scan-sbom --sbom "file://$folder/sbom.json" --output-format CYCLONE_DX_1_5 --query sbom --output json \
    >"$folder/found.json"
"$python" - "$folder/found.json" <<'PYTHON'
import json
import sys
from pathlib import Path

found = json.loads(Path(sys.argv[1]).read_text())
grave = [
    f"{one['id']} in {', '.join(affected['ref'] for affected in one.get('affects', []))}"
    for one in found.get("vulnerabilities", [])
    if {rating.get("severity") for rating in one.get("ratings", [])} & {"high", "critical"}
]
if grave:
    sys.exit("\n".join(["vulnerable dependencies; raise their versions (make upgrade):", *grave]))
print(f"{len(found.get('vulnerabilities', []))} known faults, none of them high or critical")
PYTHON
