#!/usr/bin/env bash
# Runs a spec with a stage of its own, then shows what other settings would do. Results: $RYOT_STORE, or .ryot beside this file.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RYOT_STORE=$(realpath -m "${RYOT_STORE:-$here/.ryot}")
export RYOT_STORE
cd "$here"    # ryot looks for plugins in ./plugins

ryot apply spec.yaml
ryot plan spec.yaml --set stages.0.with.words=60       # another result: runs again, with what comes after it
ryot plan spec.yaml --set stages.0.with.say_every=10   # a circumstance: nothing runs
