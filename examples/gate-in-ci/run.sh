#!/usr/bin/env bash
# Builds, judges, and leaves the evidence: the exit code is the verdict. Results are kept in $RYOT_STORE, or in .ryot beside this file.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RYOT_STORE=$(realpath -m "${RYOT_STORE:-$here/.ryot}")
export RYOT_STORE
cd "$here"
evidence=${EVIDENCE:-$RYOT_STORE/evidence}
mkdir -p "$evidence"
rm -f "$evidence"/{verdicts.xml,report.html,evidence.zip}

ryot apply spec.yaml                                       # what is finished is not run again
verdict=$?
case $verdict in 0|1|5) ;; *) exit "$verdict" ;; esac      # no verdict, so no evidence: least of all that of an earlier run
ryot report --format junit -o "$evidence/verdicts.xml"     # for the CI server's own page
ryot report --format html -o "$evidence/report.html"       # for people
ryot report --bundle "$evidence/evidence.zip"              # for whoever does not believe it
ryot check "$evidence/evidence.zip"                        # says the same, from the bundle alone
again=$?
[[ $verdict == "$again" ]] || { echo "apply ended with $verdict, its evidence says $again" >&2; exit 4; }
exit "$verdict"
