"""Make the models of a job: the MLP that its options describe, or a user's own model."""

from isgd_mpi.model.bfloat16.arithmetic import ARITHMETIC, NEEDED
from isgd_mpi.model.bfloat16.scoring_mlp import Evaluator, LowPrecisionMLP
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.own_model import OwnModel, probed_params
from isgd_mpi.model.params import initial_params, n_parameters
from isgd_mpi.model.share import WHOLE
from isgd_mpi.model.trained import Learned, TrainedMLP, TrainedOwnModel
from isgd_mpi.settings.errors import InputError

_PIECES = 2  # calls of the products for each thread, in one call of a model that multiplies few rows at a time


class MLPBlueprint:
    """Makes MLPs.

    Parameters
    ----------
    config : config.Config
        Its hidden widths, initial weights, scores and their precision are used.
    dataset : datasets.Dataset
        Its numbers of features and classes are used.

    Attributes
    ----------
    widths : tuple of int
        Features, hidden widths, classes.
    n_params : int
        Number of parameters.
    units : int
        About the number of floats that a pass holds for each example.
    unused : tuple of str
        Options that have no meaning for such a model.
    arithmetic : str
        Name of the arithmetic of scores: float32 until :meth:`choose_arithmetic`.
    make_products : callable or None
        Makes the products of scorers, given the most rows; None for NumPy's.
    text : str
        The model in words, to be logged.
    notice : str or None
        Something that the user should know of the choice of arithmetic.
    rows_at_a_time : int or None
        Examples that a scorer standardises at a time; None for a whole score batch.
    params_may_be_shared : bool
        Whether ranks may have parameters in memory that is freed when the job ends, and trainers may share a model.
    """

    unused = ()
    params_may_be_shared = True

    def __init__(self, config, dataset):
        self._init = config.init
        self._score = {"predicted-loss": "loss", "uniform": "grad-norm"}.get(config.score, config.score)
        self.widths = (dataset.n_features, *config.hidden, dataset.n_classes)
        self.n_params = n_parameters(self.widths)
        self.units = sum(self.widths)
        self.text = f"MLP {'-'.join(map(str, self.widths))}; scores: {config.score}"
        self._precision, self._threads = config.score_precision, 1
        self.arithmetic, self.notice = "float32", None

    def choose_arithmetic(self, fastest, threads):
        """Set the arithmetic of scores: the fastest that all ranks have, unless float32 was asked for.

        Parameters
        ----------
        fastest : str
            Name of the fastest arithmetic; see :func:`arithmetic.fastest_arithmetic`.
        threads : int
            Threads of a rank.
        """
        self._threads = threads
        if self._precision != "f32":
            self.arithmetic = fastest
        if self._precision == "bf16" and self.arithmetic == "float32":
            self.notice = f"scores are computed in float32: --score-precision bf16 needs, on every rank, {NEEDED}"
        self.text += f" in {self.arithmetic}"

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
        return MLP(self.widths, max_rows, score=self._score, share=share)

    def shared_bytes(self, max_rows):
        """Return the memory, at most, that trainers share who share a model and the velocity of its optimiser."""
        return 8 * self.n_params + 40 * max_rows * (self.units + 64) + 2**20

    def make_scorer(self, max_rows):
        """Return two models for scorers: one scores in the chosen arithmetic, the other evaluates in float32.

        Both may be the same object.
        """
        if self.make_products is None:
            model = self.make(max_rows)
            return model, model
        model = LowPrecisionMLP(self.widths, max_rows, self.make_products, self._score, self._threads)
        return model, Evaluator(self.widths)

    def make_initial(self, max_rows, rng, share=WHOLE):
        """Return a model with the parameters that training begins with, drawn by a random generator; see `make`."""
        model = self.make(max_rows, share)
        model.params[:] = initial_params(self.widths, self._init, rng)
        return model

    def trained(self, params, dataset, step):
        """Return a :class:`TrainedMLP`, given the parameters after a number of steps."""
        return TrainedMLP(Learned(params.copy(), *dataset.standardization, step, dataset.table), self.widths)


class OwnBlueprint:
    """Makes a user's own models, after it has tried one on a few examples.

    Parameters
    ----------
    make_model : callable
        Makes a model; see :class:`own_model.Model`.
    config : config.Config
        Its kind of score is checked.
    dataset : datasets.Dataset
        Its numbers of features and classes, and some examples, are used.

    Attributes
    ----------
    n_params, units, unused, arithmetic, make_products, text, notice, rows_at_a_time, params_may_be_shared
        See :class:`MLPBlueprint`.

    Raises
    ------
    InputError
        The model does not work (see :func:`own_model.probed_params`), or the score is not the model's own.
    """

    unused = ("hidden", "init", "score_precision")
    params_may_be_shared = False  # the user may keep a model, and use it after the job
    arithmetic, notice, make_products, rows_at_a_time = "its own", None, None, None

    def __init__(self, make_model, config, dataset):
        if config.score not in ("grad-norm", "uniform"):
            raise InputError(f"score={config.score!r}: a model of your own brings its own scores; leave the option out")
        self._make_model = make_model
        self._n_features, self._n_classes = dataset.n_features, dataset.n_classes
        self.n_params = probed_params(make_model, dataset).size
        self.units = dataset.n_features
        scores = "uniform" if config.score == "uniform" else "its own"
        self.text = f"{getattr(make_model, '__name__', 'a model')} of {self.n_params} parameters; scores: {scores}"

    def make(self, max_rows, share=WHOLE):
        """Return a model for at most `max_rows` examples a call; it is not shared."""
        return OwnModel(self._make_model(self._n_features, self._n_classes, max_rows), self._n_classes)

    def choose_arithmetic(self, fastest, threads):
        """Leave the choice to the model."""

    def make_scorer(self, max_rows):
        """Return one model twice: it scores and it evaluates."""
        model = self.make(max_rows)
        return model, model

    def make_initial(self, max_rows, rng, share=WHOLE):
        """Return a model with its own parameters, with which training begins; it is not shared."""
        return self.make(max_rows)

    def trained(self, params, dataset, step):
        """Return a :class:`TrainedOwnModel`, given the parameters after a number of steps."""
        learned = Learned(params, *dataset.standardization, step)
        return TrainedOwnModel(learned, self._n_classes, self._make_model)
