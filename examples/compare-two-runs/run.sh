#!/usr/bin/env bash
# Trains twice with different learning rates and compares what was measured. Results are kept in $RYOT_STORE, or in .ryot beside this file.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RYOT_STORE=$(realpath -m "${RYOT_STORE:-$here/.ryot}")
export RYOT_STORE
cd "$here"

for lr in 1e-4 3e-3; do
    ryot apply spec.yaml --set "train.lr=$lr"
done

ryot diff
