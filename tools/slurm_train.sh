#!/usr/bin/env bash
# On a slurm cluster: [GPUS=8 GPUS_PER_NODE=8] tools/slurm_train.sh <partition> <job name> <config> [options of tools/train.py]
# SIGNAL_SECONDS (120) before the time limit, the run gets a signal to save and stop; --resume continues from there.
set -euo pipefail
if [ $# -lt 3 ]; then sed -n '2p' "$0" | cut -c3- >&2; exit 2; fi

PARTITION=$1
JOB_NAME=$2
CONFIG=$3
GPUS=${GPUS:-4}
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 8 ? GPUS : 8))}
TOOLS=$(dirname "$0")

# SRUN_ARGS holds several words, so it is not quoted.
# shellcheck disable=SC2086
PYTHONPATH="$TOOLS/..:${PYTHONPATH:-}" \
srun --partition="$PARTITION" \
    --job-name="$JOB_NAME" \
    --gres="gpu:$GPUS_PER_NODE" \
    --ntasks="$GPUS" \
    --ntasks-per-node="$GPUS_PER_NODE" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    --signal="TERM@${SIGNAL_SECONDS:-120}" \
    ${SRUN_ARGS:-} \
    ${PYTHON:-python} -u "$TOOLS/train.py" "$CONFIG" --launcher slurm "${@:4}"
