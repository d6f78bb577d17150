# shellcheck shell=bash
# Functions of the job scripts: set up the environment, choose the launcher, and train until the run is complete.

stop() {
    echo "isgd_mpi job: $1" >&2
    exit 2
}

# Set up Python, threads, and the folder of compiled kernels on every node of the job.
prepare() {
    local program
    for program in scontrol srun; do
        command -v "$program" >/dev/null || stop "there is no $program in PATH: add the folder of SLURM's programs"
    done
    [[ -z ${SLURM_HET_SIZE-} ]] || stop "a heterogeneous job (':') starts ranks of its first part alone, and all ranks \
are alike: submit it with a single --ntasks=N; a role gets more cores by more ranks (--trainers), or all by --cpus-per-task"
    [[ -n ${SLURM_NTASKS-} ]] || stop "submit this with sbatch --ntasks=N"
    if [[ -n ${ACTIVATE-} ]]; then
        [[ -r $ACTIVATE ]] || stop "ACTIVATE=$ACTIVATE cannot be read"
        set +u # such files are rarely written for set -u
        # shellcheck source=/dev/null
        source "$ACTIVATE"
        set -u
    fi
    threads=${SLURM_CPUS_PER_TASK:-1}
    export OMP_NUM_THREADS=$threads OPENBLAS_NUM_THREADS=$threads MKL_NUM_THREADS=$threads NUMBA_NUM_THREADS=$threads

    # compiled kernels stay on the disk of each node, in a folder that nobody else can write to
    export NUMBA_CACHE_DIR=${NUMBA_CACHE_DIR:-${TMPDIR:-/tmp}/isgd_mpi-numba-$UID}
    # shellcheck disable=SC2016  # for the shell on the node to expand
    on_each_node bash -c 'mkdir -p -m 700 "$NUMBA_CACHE_DIR" && [[ -O $NUMBA_CACHE_DIR && ! -L $NUMBA_CACHE_DIR ]]' ||
        stop "$NUMBA_CACHE_DIR cannot be made, or is not yours, on some node"
}

# Run a command once on every node of the job.
on_each_node() {
    srun --mpi=none --nodes="$SLURM_NNODES" --ntasks="$SLURM_NNODES" --ntasks-per-node=1 --cpus-per-task="$threads" "$@"
}

# Set launch=(...) to the words that start a program on all tasks.
choose_launcher() {
    local vendor restart plugin=${SRUN_MPI-}
    vendor=$(python -c 'import mpi4py; mpi4py.rc.initialize = False; from mpi4py import MPI; print(MPI.get_vendor()[0])')
    case ${LAUNCHER:=srun}-$vendor in
    srun-MPICH) : "${plugin:=pmi2}" ;;
    "srun-Open MPI") : "${plugin:=pmix}" ;;
    srun-*) [[ -n $plugin ]] || stop "which srun --mpi= suits $vendor? Give it as SRUN_MPI, or LAUNCHER=mpirun" ;;
    "mpirun-Open MPI") launch=(mpirun --bind-to none -n "$SLURM_NTASKS") ;;
    mpirun-*) launch=(mpirun -n "$SLURM_NTASKS") ;;
    *) stop "LAUNCHER=$LAUNCHER: choose srun or mpirun" ;;
    esac
    [[ $LAUNCHER == srun ]] || return 0
    launch=(srun --mpi="$plugin" --kill-on-bad-exit=1 --cpus-per-task="$threads")
    # MPICH names its shared memory after the job's step: a requeued job must not meet the memory of a killed one
    for ((restart = 0; restart < ${SLURM_RESTART_COUNT:-0}; restart++)); do
        srun --mpi=none --ntasks=1 --nodes=1 true
    done
}

# Train with some options, or go on from the checkpoint in the run's folder; requeue the job if the run was stopped.
# The folder is the one that --run-dir or --resume names, by default $1.
train() {
    local folder=$1 options=() where code=0 launched='' cancelled='' before
    shift
    while (($#)); do
        case $1 in
        --run-dir | --resume) folder=${2:?"$1 needs a folder"} && shift ;;
        --run-dir=* | --resume=*) folder=${1#*=} ;;
        *) options+=("$1") ;;
        esac
        shift
    done
    where=(--run-dir "$folder")
    if [[ -e $folder/checkpoint.npz ]]; then
        where=(--resume "$folder")
    elif [[ ${SLURM_RESTART_COUNT:-0} -gt 0 && -e $folder ]]; then # stopped before its first checkpoint
        mv "$folder" "$folder-aside-$SLURM_JOB_ID-$SLURM_RESTART_COUNT"
    fi
    before=$(stamp "$folder/checkpoint.npz")

    trap 'cancelled=yes' TERM # SLURM signals the ranks and this shell: they end in order, and are waited for
    trap '[[ -z $launched ]] || kill -USR1 "$launched" || :' USR1
    "${launch[@]}" python -m isgd_mpi --threads "$threads" "${where[@]}" ${options[@]+"${options[@]}"} &
    launched=$!
    while code=0 && { wait "$launched" || code=$?; } && ((code > 128)) && kill -0 "$launched" 2>/dev/null; do :; done
    trap : TERM # with which a requeue ends this shell

    if ((code > 2)) && [[ -z $cancelled && $(stamp "$folder/checkpoint.npz") != "$before" ]]; then
        echo "isgd_mpi job: exit code $code at $(date '+%F %T'), requeued to go on from $folder/checkpoint.npz"
        requeue || echo "isgd_mpi job: not requeued: submit the same again to go on" >&2
    fi
    exit "$code"
}

# Requeue this job; of an array this task alone: the id of a task may be the array's, which stands for all of them.
requeue() {
    local job=$SLURM_JOB_ID
    [[ -z ${SLURM_ARRAY_JOB_ID-} ]] || job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
    scontrol requeue "$job"
}

# Print inode, time and size of a file: they change when it is written anew.
stamp() {
    stat -c '%i %Y %s' "$1" 2>/dev/null || :
}
