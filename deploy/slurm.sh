#!/bin/bash
# A study on the nodes of a Slurm allocation:
#   sbatch deploy/slurm.sh imdb [further options of `study run`]
# At its time limit, or when it is preempted, the study stops in order and is queued again; it continues where it
# stopped. The home directory, with the project in ~/recurrent-study, is the same on all nodes.
#SBATCH --job-name=recurrent-study
#SBATCH --nodes=3
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
# SIGTERM to this script alone, two minutes before the limit: the driver needs seconds.
#SBATCH --signal=B:TERM@120
set -euo pipefail

cd "${STUDY_HOME:-$HOME/recurrent-study}"
# Of this job alone: another one on the same node has another port and another token, so that neither takes the
# other's Ray for its own. Linux gives ports to anybody from 32768 on; workers get theirs from there, too (0).
port=${STUDY_PORT:-$((20000 + SLURM_JOB_ID % 12000))}
export RAY_USAGE_STATS_ENABLED=0
# `ray start` asks for a token only where it is told to. The file is made readable by its owner alone.
export RAY_AUTH_MODE=token
if [ -z "${RAY_AUTH_TOKEN_PATH-}" ]; then
    export RAY_AUTH_TOKEN_PATH=$HOME/.ray/slurm-$SLURM_JOB_ID/auth_token
    # It is of no more use when the job has ended; one that is queued again keeps it.
    trap '[ $? -eq 143 ] || rm -rf "${RAY_AUTH_TOKEN_PATH%/*}"' EXIT
fi
.venv/bin/python -c 'from study.cluster.session import ensure_token; ensure_token()'

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
address=$head:$port

# A step for each node: when the job ends, Slurm ends them all. A step has one CPU unless it asks for more.
srun --nodes=1 --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" --overlap --nodelist="$head" \
    .venv/bin/ray start --head --port="$port" --num-cpus="$SLURM_CPUS_PER_TASK" \
    --min-worker-port=0 --max-worker-port=0 --include-dashboard=false --block &
head_step=$!

is_up() { kill -0 "$1" 2>/dev/null; }
lose_head() {
    echo "slurm.sh: the step of Ray's head on $head has ended: see its lines above; nothing recorded is lost, sbatch goes on" >&2
    exit 3
}
until .venv/bin/python -c 'import sys
from study.cluster.head_watch import answers
sys.exit(not answers(sys.argv[1]))' "$address"; do
    is_up "$head_step" || lose_head
    sleep 1
done
for node in "${nodes[@]:1}"; do
    srun --nodes=1 --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" --overlap --nodelist="$node" \
        .venv/bin/ray start --address="$address" --num-cpus="$SLURM_CPUS_PER_TASK" \
        --min-worker-port=0 --max-worker-port=0 --block &
done

# The batch script runs on the first node, beside the head.
.venv/bin/study run "$@" --address "$address" &
study=$!
told=
trap 'told=yes; kill -TERM "$study"' TERM INT
# Without its head the study could only wait: it is told to stop, in order.
{
    while is_up "$head_step" && is_up "$study"; do sleep 1; done
    kill -TERM "$study" 2>/dev/null
} &
status=0
wait "$study" || status=$?
# `wait` returns when the trap has run; the study may still be committing.
while kill -0 "$study" 2>/dev/null; do
    status=0
    wait "$study" || status=$?
done
trap - TERM INT

[ -n "$told" ] || is_up "$head_step" || lose_head

# 143: told to stop, and resumable. All else is an end.
if [ "$status" -eq 143 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
