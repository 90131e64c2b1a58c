#!/usr/bin/env bash
# Several GPUs: tools/dist_train.sh <config> <GPUs per machine> [options of tools/train.py]
# Several machines: the same on each, with NNODES, NODE_RANK and MASTER_ADDR set.
set -euo pipefail
if [ $# -lt 2 ]; then sed -n '2,3p' "$0" | cut -c3- >&2; exit 2; fi

TOOLS=$(dirname "$0")
. "$TOOLS/dist_launch.sh"
launch "$2" "$TOOLS/train.py" "$1" --launcher pytorch "${@:3}"
