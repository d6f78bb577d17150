"""A job: a training run on all ranks. Each rank makes its setup, and then plays its role."""

import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from isgd_mpi.data.files import write_atomically
from isgd_mpi.kernels import code_cache
from isgd_mpi.model.bfloat16.arithmetic import fastest_arithmetic
from isgd_mpi.ranks.agreement import check_agreement, common_value, on_all_ranks
from isgd_mpi.ranks.heartbeat import Silent
from isgd_mpi.ranks.node import find_node, memory_shortage
from isgd_mpi.ranks.published import N_BUFFERS
from isgd_mpi.ranks.timeline import gather_timeline
from isgd_mpi.run import roles
from isgd_mpi.run.communicators import Communicators
from isgd_mpi.run.defaults import limited
from isgd_mpi.run.leader import Leader, Outcome, open_run
from isgd_mpi.run.record.event_file import require_library
from isgd_mpi.run.record.log import create_run_dir
from isgd_mpi.run.record.scores import measure_examples
from isgd_mpi.run.record.summary import Keeper
from isgd_mpi.run.reference import irreducible_losses
from isgd_mpi.run.setup import TRAINER, Setup
from isgd_mpi.run.trainers import choose_trainers
from isgd_mpi.run.warmup import warm_up, warm_up_predictor
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.sampling import UNWEIGHTED

_OF_CURVATURE = 4  # vectors as long as the parameters: two gradients, a step along one, and its end
_RANK_BYTES = 10**8  # of a rank's own, besides the model: Python, libraries and compiled kernels
_FIRST_TELLS_SECONDS = 1.0  # of the ranks of a node that trainer 0 has left, the first ends all
_LARGEST_MESSAGE_BYTES = 2**31 - 2**12  # NumPy's limit for a record, less the other fields


class Job:
    """A training run on all ranks. Construction and :meth:`run` are collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    config : config.Config
        The same on every rank.
    load : callable
        Takes whether to verify checksums, and returns the data set; called on every rank, first on one of each
        node, which verifies.
    blueprint : callable
        Makes, from the settings and the data set, an object that makes the models, such as
        :class:`blueprints.MLPBlueprint`.
    saved : resume.SavedRun, optional
        On rank 0, the run to resume, if the settings name one.

    Attributes
    ----------
    setup : setup.Setup
    folder : pathlib.Path or None
        The folder that rank 0 writes to, if any.

    Raises
    ------
    InputError
        On every rank, if the input is bad on any.
    """

    def __init__(self, comm, config, load, blueprint, saved=None):
        self._saved = saved
        node = find_node(comm, config.wanted_threads)
        dataset = on_all_ranks(comm, partial(load_on_node, node, load), alike=True)
        check_agreement(comm, {"the settings": repr(config), **dataset.facts})
        config = limited(config, dataset)
        models = on_all_ranks(comm, partial(blueprint, config, dataset))
        if config.starts_from_model and config.resume is None:
            on_all_ranks(comm, lambda: comm.Get_rank() == TRAINER and models.start(dataset))
        fastest = common_value(comm, fastest_arithmetic(), otherwise="float32")
        models.choose_arithmetic(fastest, node.threads, node.threads_of_ranks[TRAINER])
        n_ranks = comm.Get_size()
        choice = on_all_ranks(
            comm, lambda: choose_trainers(config, dataset, models, node, saved and saved.trainers(n_ranks))
        )
        choice = comm.bcast(choice, root=TRAINER)
        given = config.feeder
        config = replace(config, trainers=choice.n_trainers, feeder="on" if choice.feeds else "off")
        plan = on_all_ranks(comm, lambda: saved and saved.plan(dataset, n_ranks, choice))
        resumption = comm.bcast(plan, root=TRAINER)
        facts = {"why_trainers": choice.reason, "given_feeder": given, "n_ahead": choice.n_ahead}
        self.setup = Setup(comm, config, dataset, models, node, resumption, **facts)
        on_all_ranks(comm, self._check_validation)
        on_all_ranks(comm, self._check_size)
        on_all_ranks(comm, self._check_memory)
        with node.first_rank_first():
            warm_up(dataset, config, models.make_products, models.train_arithmetic)
            if config.score == "predicted-loss":
                warm_up_predictor(config.predictor, dataset)
        if config.sampling == "rho" and config.resume is None:  # else they are in the checkpoint
            self.setup = replace(self.setup, irreducible_losses=irreducible_losses(self.setup))
        self._print_code_problems()
        self.folder = on_all_ranks(comm, self._create_folder) if config.leaves_files else None
        self.setup = replace(self.setup, where=comm.bcast(self.folder and str(self.folder), root=TRAINER))

    def _check_validation(self):
        """Refuse patience with what is not measured."""
        config, name = self.setup.config, self.setup.dataset.name
        if config.patience is not None and not self.setup.has_validation:
            raise InputError(
                f"--patience {config.patience} needs a validation set, and the data set {name} has none: give --valid "
                "for a table, x_valid and y_valid in an npz file, validation= to fit"
            )

    def _check_size(self):
        """Refuse parameters and batches that are too large or too small, before anything is written."""
        config, dataset, models = self.setup.config, self.setup.dataset, self.setup.models
        batch_size = self.setup.grid.batch_size
        params_bytes = 4 * models.n_params
        if params_bytes >= _LARGEST_MESSAGE_BYTES:
            raise InputError(
                f"{params_bytes / 1e9:.3g} GB of parameters do not fit into one message of 2 GB: lower --hidden"
            )
        if config.compat != "none" and dataset.train_weights is not None:
            raise InputError(f"--compat {config.compat} knows no weights of examples: leave one of both out")
        if config.sampling in UNWEIGHTED and dataset.train_weights is not None:
            raise InputError(f"--sampling {config.sampling} knows no weights of examples: leave one of both out")
        left_out = [name for name, split in dataset.splits.items() if len(split) < batch_size]
        if config.whole_batches and left_out:
            raise InputError(
                f"--compat {config.compat} leaves out partial batches, which is all of the split {left_out[0]}: "
                f"give a --score-batch-size of at most {len(dataset.splits[left_out[0]])}"
            )

    def _check_memory(self):
        """Refuse what the ranks of this node cannot hold together. Collective on the node."""
        setup = self.setup
        if setup.feeds and not setup.trainers_share:
            raise InputError("there is no room in shared memory for trainers that are fed: give --feeder off")
        params_bytes, n_trainers = 4 * setup.models.n_params, setup.config.trainers
        measures = setup.n_measured > 0 and setup.rank == (n_trainers if setup.n_scorers else TRAINER)
        n_vectors = (4 if setup.rank < n_trainers else 2) + _OF_CURVATURE * measures
        rows = max(setup.config.minibatch_size, setup.grid.batch_size)
        needed = _RANK_BYTES + n_vectors * params_bytes + 8 * rows * setup.models.units
        if shortage := memory_shortage(setup.node.comm, needed, N_BUFFERS * params_bytes):
            raise InputError(f"{shortage}: lower --minibatch-size, --score-batch-size, --hidden or the ranks")

    def run(self, interruption, on_step=None):
        """Train, or serve trainer 0 until it stops.

        Parameters
        ----------
        interruption : faults.Interruption
            Of this rank.
        on_step : callable, optional
            Takes trainer 0's Trainer, after each of its steps.

        Returns
        -------
        leader.Outcome
            The results are on rank 0 only.
        """
        setup, keeper = self.setup, Keeper(self.folder)
        # (0) all ranks split the communicators; steps 1 to 5 follow in leader.open_run and in roles
        comms = Communicators(setup)
        setup = setup.waiting_by(replace(setup.node.waiter, idle=comms.heartbeat.tick))
        outcome = self._play(setup, comms, keeper, interruption, on_step)
        setup.node.waiter.meet(setup.comm)
        spans = gather_timeline(setup.comm, setup.node.waiter, root=TRAINER)
        keeper.keep("timeline.npz", partial(write_atomically, write=lambda file: np.savez(file, **spans)))
        comms.free()
        setup.node.comm.Free()
        ending = setup.comm.bcast(outcome and (outcome.stopped, outcome.can_go_on, keeper.problems), root=TRAINER)
        return replace(outcome, unwritten=keeper.problems) if outcome else Outcome(*ending)

    def _play(self, setup, comms, keeper, interruption, on_step):
        """Play this rank's role; return the outcome on trainer 0, and None elsewhere."""
        if setup.rank == TRAINER:
            run = open_run(setup, comms, keeper, self._saved)
            return Leader(setup, run, keeper, interruption, self._saved and self._saved.step).lead(on_step)
        role = roles.predict if setup.predicts else roles.score if setup.scores else roles.train_along
        try:
            role(setup, comms, interruption)
            if setup.config.save_scores:
                measure_examples(setup)
            comms.heartbeat.stop()
        except Silent as error:
            if setup.node.comm.Get_rank() > 0:
                time.sleep(_FIRST_TELLS_SECONDS)
            error.can_go_on = setup.where is not None
            error.args = (f"{setup.rank_names[setup.rank]} ends: {error}{setup.way_on}",)
            raise

    def _print_code_problems(self):
        """Print on trainer 0 where compiled kernels could not be kept. Collective."""
        problems = self.setup.comm.gather(code_cache.problems, root=TRAINER) or []
        for problem in dict.fromkeys(problem for found in problems for problem in found):
            print(f"isgd_mpi: {problem}", file=sys.stderr)

    def _create_folder(self):
        """Return the run's folder on trainer 0, and None elsewhere."""
        config = self.setup.config
        if self.setup.rank != TRAINER:
            return None
        if config.tensorboard:
            require_library()
        if config.resume is not None:
            return Path(config.resume)
        return create_run_dir(config.run_dir, f"{Path(self.setup.dataset.name).stem}-{config.score}-{config.seed}")


def load_on_node(node, load):
    """Load the data set, on one rank of each node first: that one may have to convert it."""
    with node.first_rank_first():
        return load(verify=node.comm.Get_rank() == 0)
