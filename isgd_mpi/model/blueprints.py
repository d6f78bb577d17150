"""Make the models of a job: the MLP that its options describe, or a user's own model."""

from isgd_mpi.model.bfloat16.arithmetic import ARITHMETIC, NEEDED, WITHOUT_MKL, lacks_mkl
from isgd_mpi.model.bfloat16.scoring_mlp import Evaluator, LowPrecisionMLP
from isgd_mpi.model.bfloat16.training_mlp import TRAINING
from isgd_mpi.model.losses import loss_for
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.own_model import own_model, probed_params
from isgd_mpi.model.params import initial_params, n_parameters
from isgd_mpi.model.share import WHOLE
from isgd_mpi.model.start import starting_params
from isgd_mpi.model.trained import Learned, TrainedMLP, TrainedOwnModel
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.precisions import AMX, FLOAT32, TRAINS_FROM

_MOST_THREADS = 2  # that the products of training in bfloat16, which use one, are faster than
_PIECES = 2  # calls of the products for each thread, in one call of a model that multiplies few rows at a time


class MLPBlueprint:
    """Makes MLPs.

    Parameters
    ----------
    config : config.Config
        Its hidden widths, initial weights, loss, scores and their precision are used.
    dataset : datasets.Dataset
        Its number of features and its target are used.

    Attributes
    ----------
    widths : tuple of int
        Features, hidden widths, outputs.
    loss : losses.Loss
    n_params : int
        Number of parameters.
    units : int
        About the number of floats that a pass holds for each example.
    unused : tuple of str
        Options that have no meaning for such a model.
    arithmetic, train_arithmetic : str
        Names of the arithmetics of scores and of training: float32 until :meth:`choose_arithmetic`.
    make_products : callable or None
        Makes the products of scorers, given the most rows; None for NumPy's.
    text : str
        The model in words, to be logged.
    notices : list of str
        Lines that the user should read on the choice of arithmetic.
    rows_at_a_time : int or None
        Examples that a scorer standardises at a time; None for a whole score batch.
    params_may_be_shared : bool
        Whether ranks may have parameters in memory that is freed when the job ends, and trainers may share a model.
    descends : bool
        Whether a model of the user's that was made takes its steps itself.
    resumable : bool
        Whether a run can be resumed: the command line makes such models.
    """

    unused = ()
    params_may_be_shared, descends, resumable = True, False, True

    def __init__(self, config, dataset, given=None):
        self._init, self._given, self._start = config.init, given, None
        self._score = {"predicted-loss": "loss", "uniform": "grad-norm"}.get(config.score, config.score)
        self.loss = loss_for(config.loss, dataset.target)
        self.widths = (dataset.n_features, *config.hidden, self.loss.n_outputs)
        self.n_params = n_parameters(self.widths)
        self.units = sum(self.widths)
        self.text = f"MLP {'-'.join(map(str, self.widths))}"
        self._config, self._threads = config, 1
        self.arithmetic = self.train_arithmetic = FLOAT32
        self.notices = []

    def choose_arithmetic(self, fastest, threads, trainer_threads=1):
        """Set the arithmetics: the fastest that all ranks have, unless float32 was asked for or is faster for training.

        Parameters
        ----------
        fastest : str
            Name of the fastest arithmetic; see :func:`arithmetic.fastest_arithmetic`.
        threads : int
            Threads of this rank.
        trainer_threads : int
            Threads of trainer 0: all ranks choose alike.
        """
        self._threads, config = threads, self._config
        if config.score_precision != "f32":
            self.arithmetic = fastest
        if fastest != FLOAT32 and self._trains_rounded(fastest, trainer_threads):
            self.train_arithmetic = fastest
        self._note_what_is_missing(fastest, trainer_threads)

    def _note_what_is_missing(self, fastest, trainer_threads):
        """Note where bfloat16 was asked for and cannot be had, and where MKL would make it faster than float32."""
        config = self._config
        if fastest != FLOAT32:
            return
        for option, what in (("score", "scores are computed"), ("train", "training is")):
            if getattr(config, f"{option}_precision") == "bf16":
                self.notices.append(f"{what} in float32: --{option}-precision bf16 needs, on every rank, {NEEDED}")
        wanted = config.score_precision == "auto" or self._trains_rounded(AMX, trainer_threads)
        if wanted and not self.notices and lacks_mkl():
            self.notices.append(WITHOUT_MKL)

    def _trains_rounded(self, arithmetic, threads):
        """Return whether training in an arithmetic is wanted: where it is faster, if that is left to us."""
        config = self._config
        is_faster = config.minibatch_size >= TRAINS_FROM[arithmetic] and threads <= _MOST_THREADS
        # what was published was float32
        return {"f32": False, "bf16": True, "auto": is_faster and config.compat == "none"}[config.train_precision]

    @property
    def make_products(self):
        """Class of the products of scorers; see the attributes."""
        return ARITHMETIC[self.arithmetic]

    @property
    def rows_at_a_time(self):
        """Examples that a scorer standardises at a time; see the attributes."""
        return None if self.make_products is None else _PIECES * self.make_products.most_rows * self._threads

    def make(self, max_rows, share=WHOLE):
        """Return a model for at most `max_rows` examples a call, whose parameters are to be set.

        Parameters
        ----------
        max_rows : int
        share : share.Share
            This trainer's share of it, if several trainers share the model: collective over them.
        """
        return MLP(self.widths, max_rows, score=self._score, share=share, loss=self.loss)

    def make_norms(self, max_rows):
        """Return a model whose scores are gradient norms, in float32, whatever examples are drawn by."""
        return MLP(self.widths, max_rows, loss=self.loss)

    def start(self, dataset):
        """Let :meth:`make_initial` begin with the parameters of a trained model; see :func:`start.starting_params`."""
        init = self._init if self._given is None else self._given
        self._start, _ = starting_params(init, dataset, self.n_params, self.widths)

    def make_trainer(self, max_rows, share=WHOLE):
        """Return a model that trains, in the chosen arithmetic; see :meth:`make`."""
        return TRAINING[self.train_arithmetic](self.widths, max_rows, score=self._score, share=share, loss=self.loss)

    def shared_bytes(self, max_rows):
        """Return the memory, at most, that trainers share who share a model and the moments of its optimiser."""
        padding = 160 * self.units + 384 * max_rows * len(self.widths)
        rounded = 0 if self.train_arithmetic == FLOAT32 else 4 * self.n_params + padding
        n_vectors = 2 if self._config.optimizer == "sgd" else 3
        return rounded + 4 * n_vectors * self.n_params + 40 * max_rows * (self.units + 64) + 2**20

    def make_scorer(self, max_rows):
        """Return two models for scorers: one scores in the chosen arithmetic, the other evaluates in float32.

        Both may be the same object.
        """
        if self.make_products is None:
            model = self.make(max_rows)
            return model, model
        model = LowPrecisionMLP(self.widths, max_rows, self.make_products, self._score, self._threads, self.loss)
        return model, Evaluator(self.widths, self.loss)

    def make_initial(self, max_rows, rng, share=WHOLE):
        """Return a model that trains, with the parameters that it begins with: drawn, or those of :meth:`start`."""
        model = self.make_trainer(max_rows, share)
        init = "he" if self._config.starts_from_model else self._init  # drawn also where a resumed run has its own
        model.params[:] = initial_params(self.widths, init, rng) if self._start is None else self._start
        self._start = None
        return model

    def trained(self, params, dataset, step):
        """Return a :class:`TrainedMLP`, given the parameters after a number of steps."""
        return TrainedMLP(_learned(params, dataset, step, self.loss), self.widths)


class OwnBlueprint:
    """Makes a user's own models, after it has tried one on a few examples.

    Parameters
    ----------
    make_model : callable
        Makes a model; see :class:`own_model.Model`.
    config : config.Config
        Its kind of score is checked, and its loss is used.
    dataset : datasets.Dataset
        Its number of features, its target and some examples are used.
    given : TrainedModel or (P,) array_like, optional
        The model to begin with, if it is not named in the settings.

    Attributes
    ----------
    loss, n_params, units, unused, arithmetic, train_arithmetic, make_products, text, notices, rows_at_a_time
    params_may_be_shared, descends, resumable
        See :class:`MLPBlueprint`.

    Raises
    ------
    InputError
        The model does not work (see :func:`own_model.probed_params`), or the score is not the model's own.
    """

    unused = ("hidden", "init", "score_precision", "train_precision")
    descends, resumable = False, False
    params_may_be_shared = False  # the user may keep a model, and use it after the job
    arithmetic, train_arithmetic = "its own", "its own"
    notices, make_products, rows_at_a_time = (), None, None

    def __init__(self, make_model, config, dataset, given=None):
        if config.score not in ("grad-norm", "uniform"):
            raise InputError(f"score={config.score!r}: a model of your own brings its own scores; leave the option out")
        self._make_model = make_model
        self._init, self._given, self._start = config.init, given, None
        self._n_features, self._n_classes = dataset.n_features, dataset.n_classes
        self.loss = loss_for(config.loss, dataset.target)
        self.n_params = probed_params(make_model, dataset).size
        self.units = dataset.n_features
        self.text = getattr(make_model, "__name__", "a model of your own")

    def make(self, max_rows, share=WHOLE):
        """Return a model for at most `max_rows` examples a call; it is not shared."""
        model = self._make_model(self._n_features, self._n_classes, max_rows)
        self.descends = hasattr(model, "descend")
        return own_model(model, self._n_classes, self.loss)

    make_trainer = make_norms = make

    def start(self, dataset):
        """Let :meth:`make_initial` begin with the parameters of a trained model; see :func:`start.starting_params`."""
        init = self._init if self._given is None else self._given
        self._start, notice = starting_params(init, dataset, self.n_params, make_model=self._make_model)
        self.notices = (notice,) * bool(notice)

    def choose_arithmetic(self, fastest, threads, trainer_threads=1):
        """Leave the choice to the model."""

    def make_scorer(self, max_rows):
        """Return one model twice: it scores and it evaluates."""
        model = self.make(max_rows)
        return model, model

    def make_initial(self, max_rows, rng, share=WHOLE):
        """Return a model with its own parameters, or those of :meth:`start`; it is not shared."""
        model = self.make(max_rows)
        if self._start is not None:
            model.params[:] = self._start
            self._start = None
        return model

    def trained(self, params, dataset, step):
        """Return a :class:`TrainedOwnModel`, given the parameters after a number of steps."""
        return TrainedOwnModel(_learned(params, dataset, step, self.loss), self._n_classes, self._make_model)


def _learned(params, dataset, step, loss):
    """Return what a trained model keeps of a job; see :class:`trained.Learned`."""
    words = dataset.table, dataset.target.to_json(), loss.name
    return Learned(params.copy(), *dataset.standardization, step, *words)
