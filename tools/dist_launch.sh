# Read by dist_train.sh and dist_test.sh: launch <GPUs per machine> <script> [its arguments] through torchrun.
# NNODES, NODE_RANK, MASTER_ADDR and PORT say how the machines connect; the processes of all machines must do so within
# START_TIMEOUT seconds (300).
launch() {
    local gpus=$1 addr=${MASTER_ADDR:-127.0.0.1} port=${PORT:-29500} rank=${NODE_RANK:-0} stopped='' code=0
    shift
    if command -v getent >/dev/null && ! getent ahosts "$addr" >/dev/null; then
        echo "error: MASTER_ADDR=$addr has no address. Set it to a name or an address of node 0 that this machine reaches." >&2
        exit 2
    fi
    if [ "$rank" = 0 ] && (exec 3<>"/dev/tcp/$addr/$port") 2>/dev/null; then
        echo "error: port $port is taken, perhaps by another job on this machine. Set PORT to a free one, the same on every machine, e.g. PORT=$((port + 1))." >&2
        exit 2
    fi
    PYTHONPATH="$TOOLS/..:${PYTHONPATH:-}" \
    ${PYTHON:-python} -m torch.distributed.run \
        --nnodes="${NNODES:-1}" \
        --node_rank="$rank" \
        --master_addr="$addr" \
        --master_port="$port" \
        --nproc_per_node="$gpus" \
        --rdzv_conf="timeout=${START_TIMEOUT:-300}" \
        "$@" &
    # On a signal the processes save and stop, for which torchrun would report a traceback and exit code 1.
    trap 'stopped=1; kill -TERM $! 2>/dev/null' TERM INT
    wait $! || code=$?
    while kill -0 $! 2>/dev/null; do
        wait $! || code=$?
    done
    if [ -n "$stopped" ]; then exit 143; fi
    exit "$code"
}
