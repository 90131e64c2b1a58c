#!/usr/bin/env bash
# Several GPUs: tools/dist_test.sh <config> <checkpoint> <GPUs per machine> [options of tools/test.py]
# Several machines: the same on each, with NNODES, NODE_RANK and MASTER_ADDR set.
set -euo pipefail
if [ $# -lt 3 ]; then sed -n '2,3p' "$0" | cut -c3- >&2; exit 2; fi

TOOLS=$(dirname "$0")
. "$TOOLS/dist_launch.sh"
launch "$3" "$TOOLS/test.py" "$1" "$2" --launcher pytorch "${@:4}"
