"""How the models of a job are made: the MLP that its settings describe, or a user's own."""

from isgd_mpi.model.bfloat16.arithmetic import ARITHMETIC, NEEDED
from isgd_mpi.model.bfloat16.scoring_mlp import Evaluator, LowPrecisionMLP
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.own_model import OwnModel, probed_params
from isgd_mpi.model.params import initial_params, n_parameters
from isgd_mpi.model.trained import TrainedMLP, TrainedOwnModel
from isgd_mpi.settings.errors import InputError

_PIECES = 2  # for each thread in a call of a model that works through few rows at a time


class MLPBlueprint:
    """Makes MLPs.

    Parameters
    ----------
    config : config.Config
        Hidden widths and initial weights.
    dataset : datasets.Dataset
        Features and classes.

    Attributes
    ----------
    n_params : int
    units : int
        Numbers that a pass holds for each example, about.
    unused : tuple of str
        Options that say nothing of such a model.
    arithmetic : str
        What scores are computed in: float32 until :meth:`choose_arithmetic`.
    text : str
        The model in words.
    notice : str or None
        What there is to say of it besides.
    rows_at_a_time : int or None
        Examples that a scorer standardises at a time; None is a whole score batch.
    params_may_be_shared : bool
        Whether scorers may read parameters from memory that is freed when the job ends.
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
        """Let scores be computed in the fastest way that all ranks have, unless float32 was asked for.

        Parameters
        ----------
        fastest : str
            Name of that arithmetic; see :func:`arithmetic.fastest_arithmetic`.
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
        """What makes the products of the scorers; None is NumPy."""
        return ARITHMETIC[self.arithmetic]

    @property
    def rows_at_a_time(self):
        """See the class."""
        return None if self.make_products is None else _PIECES * self.make_products.most_rows * self._threads

    def make(self, max_rows):
        """Return a model for up to so many examples a call, with parameters of no meaning."""
        return MLP(self.widths, max_rows, score=self._score)

    def make_scorer(self, max_rows):
        """Return a model that only scores, in the arithmetic chosen, and what evaluates in float32 beside it."""
        if self.make_products is None:
            model = self.make(max_rows)
            return model, model
        model = LowPrecisionMLP(self.widths, max_rows, self.make_products, self._score, self._threads)
        return model, Evaluator(self.widths)

    def make_initial(self, max_rows, rng):
        """Return a model with the parameters that training begins with."""
        model = self.make(max_rows)
        model.params = initial_params(self.widths, self._init, rng)
        return model

    def trained(self, params, dataset, step):
        """Return the model to predict with."""
        return TrainedMLP(params, dataset.mean, dataset.inverse_std, step, self.widths)


class OwnBlueprint:
    """Makes a user's own models, after trying one.

    Parameters
    ----------
    make_model : callable
        See :class:`own_model.Model`.
    config, dataset
        As of :class:`MLPBlueprint`, with the same attributes.

    Raises
    ------
    InputError
        As :func:`own_model.probed_params`, and for a score that is not the model's own.
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

    def make(self, max_rows):
        """Return a model for up to so many examples a call."""
        return OwnModel(self._make_model(self._n_features, self._n_classes, max_rows), self._n_classes)

    def choose_arithmetic(self, fastest, threads):
        """Leave the choice to the model."""

    def make_scorer(self, max_rows):
        """Return a model that scores, and the same as what evaluates."""
        model = self.make(max_rows)
        return model, model

    def make_initial(self, max_rows, rng):
        """Return a model with the parameters that training begins with: its own."""
        return self.make(max_rows)

    def trained(self, params, dataset, step):
        """Return the model to predict with."""
        return TrainedOwnModel(params, dataset.mean, dataset.inverse_std, step, self._n_classes, self._make_model)
