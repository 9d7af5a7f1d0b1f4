#!/usr/bin/env bash
# What a stage of CodePipeline needs that a job of GitHub has:
#   pipeline.sh tools                      installs the Pulumi CLI, of the version of Pulumi's library
#   pipeline.sh profile NAME ROLE          lets AWS_PROFILE=NAME work with ROLE, by the credentials of the build. They are
#                                          renewed: a role that a role assumes lasts an hour
#   pipeline.sh kind PIPELINE EXECUTION    prints STANDARD, or ROLLBACK when the stage runs again with an earlier commit
#   pipeline.sh difference PARAMETER TAG   prints where GitHub shows what TAG changes, below the repository's address
#   pipeline.sh released PARAMETER TAG     writes down which commit runs
set -euo pipefail
shopt -s inherit_errexit
# A question refused once, mostly for too many, ends nothing; by itself the CLI asks three times within seconds.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8
verb=$1

case $verb in
    tools)
        version=$(.venv/bin/python -c 'from importlib.metadata import version; print(version("pulumi"))')
        case $(uname -m) in aarch64 | arm64) machine=arm64 ;; *) machine=x64 ;; esac
        archive=$(mktemp)
        curl --fail --silent --show-error --location --proto =https --retry 3 --output "$archive" \
            "https://get.pulumi.com/releases/sdk/pulumi-v$version-linux-$machine.tar.gz"
        mkdir -p "$HOME/.local/bin"
        tar --extract --gzip --file "$archive" --strip-components 1 --directory "$HOME/.local/bin"
        rm "$archive"
        ;;
    profile)
        mkdir -p "$HOME/.aws"
        printf '[profile %s]\nrole_arn = %s\ncredential_source = EcsContainer\nrole_session_name = pipeline\n' "$2" "$3" \
            >>"$HOME/.aws/config"
        ;;
    kind)
        aws codepipeline get-pipeline-execution --pipeline-name "$2" --pipeline-execution-id "$3" \
            --query pipelineExecution.executionType --output text
        ;;
    difference)
        runs=$(aws ssm get-parameter --name "$2" --query Parameter.Value --output text)
        if [[ $runs == none ]]; then echo "commit/$3"; else echo "compare/$runs...$3"; fi
        ;;
    released) aws ssm put-parameter --overwrite --name "$2" --value "$3" --query Version --output text >&2 ;;
    *)
        echo "pipeline.sh: tools, profile, kind, difference or released, not $verb" >&2
        exit 2
        ;;
esac
