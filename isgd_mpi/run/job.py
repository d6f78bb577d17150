"""A training run on all ranks: what each of them sets up, and the role that it then plays."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from isgd_mpi.data.files import write_atomically
from isgd_mpi.model.bfloat16.arithmetic import fastest_arithmetic
from isgd_mpi.ranks.agreement import check_agreement, common_value, on_all_ranks
from isgd_mpi.ranks.node import find_node
from isgd_mpi.ranks.timeline import Timeline, gather_timeline
from isgd_mpi.ranks.waiting import meet
from isgd_mpi.run import roles
from isgd_mpi.run.communicators import Communicators
from isgd_mpi.run.leader import Leader
from isgd_mpi.run.record.log import create_run_dir
from isgd_mpi.run.record.summary import Keeper
from isgd_mpi.run.setup import TRAINER, Parts
from isgd_mpi.run.warmup import warm_up, warm_up_predictor
from isgd_mpi.settings.errors import InputError

_LARGEST_MESSAGE_BYTES = 2**31 - 2**12  # NumPy's limit for a record, less its header


class Job:
    """A training run on all ranks. Construction and :meth:`run` are collective.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
        All ranks.
    config : config.Config
        The same on every rank.
    load : callable
        Returns the data set; called on every rank, first on one of each node.
    blueprint : callable
        Takes the settings and the data set, returns what makes the models, such as
        :class:`blueprints.MLPBlueprint`.
    in_memory : bool
        Whether to write no files.
    saved : resume.Saved, optional
        On rank 0, the run to go on with, where the settings name one.

    Attributes
    ----------
    folder : pathlib.Path or None
        Where rank 0 writes.
    log : log.RunLog or None
    summary : dict or None
    verdict : str or None
    trained : trained.TrainedModel or None
        What came of the run, on rank 0; no model if it diverged.
    can_go_on : bool
        Whether the run stopped before its end, and can be taken up again where it did; on every rank.
    unwritten : list of str
        Files that could not be written, and why; on every rank.

    Raises
    ------
    InputError
        On every rank, if the input is bad on any.
    """

    def __init__(self, comm, config, load, blueprint, in_memory=False, saved=None):
        self.comm = comm
        self.config = config
        self._saved = saved
        self.rank, self.size = comm.Get_rank(), comm.Get_size()
        self.node = find_node(comm, config.wanted_threads)
        self.dataset = on_all_ranks(comm, partial(self._load, load))
        resumption = comm.bcast(on_all_ranks(comm, self._check_saved), root=TRAINER)
        check_agreement(comm, {"the settings": repr(config), **self.dataset.facts})
        self.batch_size = min(config.score_batch_size, max(map(len, self.dataset.splits.values())))
        self.models = on_all_ranks(comm, partial(blueprint, config, self.dataset))
        fastest = common_value(comm, fastest_arithmetic(), otherwise="float32")
        self.models.choose_arithmetic(fastest, self.node.threads)
        on_all_ranks(comm, self._check_size)
        with self.node.first_rank_first():
            warm_up(self.dataset, self.models.make_products)
            if config.score == "predicted-loss":
                warm_up_predictor(config.predictor, self.dataset)
        self.folder = None if in_memory else on_all_ranks(comm, self._create_folder)
        self.log = self.summary = self.verdict = self.trained = None
        self.can_go_on = False
        self._keeper = Keeper()
        self.timeline = Timeline()
        self.parts = Parts(
            comm, config, self.dataset, self.models, self.node, self.batch_size, self.timeline, resumption
        )

    def _check_size(self):
        """Refuse what cannot fit, before anything is written."""
        params_bytes = 4 * self.models.n_params
        if params_bytes >= _LARGEST_MESSAGE_BYTES:
            raise InputError(
                f"{params_bytes / 1e9:.3g} GB of parameters do not fit into one message of 2 GB: lower --hidden"
            )
        left_out = [name for name, split in self.dataset.splits.items() if len(split) < self.batch_size]
        if self.config.whole_batches and left_out:
            raise InputError(
                f"--compat {self.config.compat} leaves out partial batches, which is all of the split {left_out[0]}: "
                f"give a --score-batch-size of at most {len(self.dataset.splits[left_out[0]])}"
            )
        rows = max(self.config.minibatch_size, self.batch_size)
        needed = 4 * params_bytes + 8 * rows * self.models.units
        available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if needed > available:
            raise InputError(
                f"a rank would need {needed / 1e9:.3g} GB, and this machine has {available / 1e9:.3g} GB: "
                "lower --minibatch-size, --score-batch-size or --hidden"
            )

    def _check_saved(self):
        """Return what all ranks must know of the run to go on with, if there is one."""
        if self._saved is None:
            return None
        self._saved.check_data(self.dataset)
        return self._saved.resumption(self.size)

    def run(self, interruption):
        """Train, or help until trainer 0 stops.

        Parameters
        ----------
        interruption : faults.Interruption
            Of this rank.

        Returns
        -------
        str or None
            What stopped the run before its end, if anything: a signal's name, or why it diverged.
        """
        comms = Communicators(self.comm, self.parts)
        stopped = self._play(comms, interruption)
        meet(self.comm, self.node.crowded)
        self._save_timeline()
        comms.free()
        self.node.comm.Free()
        ending = stopped, self.can_go_on, self._keeper.problems
        stopped, self.can_go_on, self.unwritten = self.comm.bcast(ending, root=TRAINER)
        return stopped

    def _play(self, comms, interruption):
        """Play this rank's role; trainer 0 returns what stopped the run."""
        if self.rank == TRAINER:
            return self._lead(comms, interruption)
        parts = self.parts
        role = roles.predict if parts.predicts else roles.score if parts.scores else roles.train_along
        return role(parts, comms, interruption)

    def _lead(self, comms, interruption):
        leader = Leader(self.parts, comms, interruption, self.folder, self._saved)
        stopped = leader.run()
        self.can_go_on, self._keeper = leader.can_go_on, leader.keeper
        self.log, self.summary, self.verdict, self.trained = leader.log, leader.summary, leader.verdict, leader.trained
        return stopped

    def _save_timeline(self):
        """Write what every rank did over the last stretch of training."""
        spans = gather_timeline(self.comm, self.timeline, self.node.crowded, root=TRAINER)
        if self.folder:
            path = self.folder / "timeline.npz"
            self._keeper.keep(path, partial(write_atomically, write=lambda file: np.savez(file, **spans)))

    def _load(self, load):
        """Load the data: one rank of each node first, which may have to convert them."""
        with self.node.first_rank_first():
            return load()

    def _create_folder(self):
        if self.rank != TRAINER:
            return None
        if self.config.resume is not None:
            return Path(self.config.resume)
        stem = f"{Path(self.dataset.name).stem}-{self.config.score}-{self.config.seed}"
        return create_run_dir(self.config.run_dir, stem)
