"""An MLP that trains in bfloat16: float32 weights, and products of rounded factors with float32 sums."""

from isgd_mpi.model.bfloat16.rounded_layer import make_layers
from isgd_mpi.model.mlp import MLP


class RoundedMLP(MLP):
    """A multilayer perceptron whose passes multiply in bfloat16; see :class:`mlp.MLP`.

    Parameters that are changed in place, but by :meth:`descend` or by an optimiser after :meth:`gradient`, must be set
    again. Products of gradients are left to a model in float32.
    """

    _make_layers = staticmethod(make_layers)
