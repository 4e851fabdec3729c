#!/usr/bin/env bash
# From a spec to a verdict, and again with nothing to do. Results are kept in $RYOT_STORE, or in .ryot beside this file.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RYOT_STORE=$(realpath -m "${RYOT_STORE:-$here/.ryot}")
export RYOT_STORE
cd "$here"

ryot plan spec.yaml     # what would run, and why
ryot apply spec.yaml    # run it, then judge; the exit code is the verdict
ryot apply spec.yaml    # everything is finished: only judges
ryot check --json       # the same verdict for programs
