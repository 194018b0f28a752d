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
port=${STUDY_PORT:-6379}
export RAY_USAGE_STATS_ENABLED=0
# `ray start` asks for a token only where it is told to. The file is made readable by its owner alone.
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH=${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/auth_token}
.venv/bin/python -c 'from study.cluster.session import ensure_token; ensure_token()'

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
address=$head:$port

# A step for each node: when the job ends, Slurm ends them all. A step has one CPU unless it asks for more.
srun --nodes=1 --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" --overlap --nodelist="$head" \
    .venv/bin/ray start --head --port="$port" --num-cpus="$SLURM_CPUS_PER_TASK" \
    --include-dashboard=false --block &
sleep "${STUDY_HEAD_START_S:-20}"
for node in "${nodes[@]:1}"; do
    srun --nodes=1 --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" --overlap --nodelist="$node" \
        .venv/bin/ray start --address="$address" --num-cpus="$SLURM_CPUS_PER_TASK" --block &
done

# The batch script runs on the first node, beside the head.
.venv/bin/study run "$@" --address "$address" &
study=$!
trap 'kill -TERM "$study"' TERM INT
status=0
wait "$study" || status=$?
# `wait` returns when the trap has run; the study may still be committing.
while kill -0 "$study" 2>/dev/null; do
    status=0
    wait "$study" || status=$?
done
trap - TERM INT

# 143: told to stop, and resumable. All else is an end.
if [ "$status" -eq 143 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
