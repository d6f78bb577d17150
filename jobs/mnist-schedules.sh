#!/usr/bin/env bash
# Each schedule on 2, 3 and 4 ranks, and uniform sampling, on MNIST: 5 seeds each, then the table of docs/results.md.
# Takes about 25 minutes on 2 cores. Usage: jobs/mnist-schedules.sh FOLDER [OPTIONS of python -m isgd_mpi ...]
# What is there already is kept: run it again to go on after an interruption.
set -euo pipefail

folder=${1:?usage: jobs/mnist-schedules.sh FOLDER [OPTIONS ...]}
shift

run() { # run RANKS SCHEDULE SCORE
    local seed name
    for seed in 0 1 2 3 4; do
        name=$folder/$3-$2-$1-$seed
        if [ ! -e "$name/summary.json" ]; then
            rm -rf "$name"
            mpirun -n "$1" python -m isgd_mpi --data mnist --hidden 512 512 --minibatch-size 16 --lr 0.1 \
                --steps 2400 --seed "$seed" --schedule "$2" --score "$3" --quiet --run-dir "$name" "${@:4}"
        fi
    done
}

for ranks in 2 3 4; do run "$ranks" relaxed uniform "$@"; done
for schedule in relaxed pipelined exact; do
    for ranks in 2 3 4; do run "$ranks" "$schedule" grad-norm "$@"; done
done
python -m isgd_mpi.bench runs "$folder"
