"""MLPs that train in bfloat16: float32 weights, and products of rounded factors with float32 sums."""

from isgd_mpi.model.bfloat16 import mkl_layer, rounded_layer
from isgd_mpi.model.mlp import MLP
from isgd_mpi.settings.precisions import AMX, AVX512, FLOAT32


class RoundedMLP(MLP):
    """A multilayer perceptron whose passes multiply in bfloat16; see :class:`mlp.MLP`.

    Parameters that are changed in place, but by :meth:`descend` or by an optimiser after :meth:`gradient`, must be set
    again. Products of gradients are left to a model in float32.
    """

    _make_layers = staticmethod(rounded_layer.make_layers)


class MKLMLP(RoundedMLP):
    """A :class:`RoundedMLP` for which MKL multiplies."""

    _make_layers = staticmethod(mkl_layer.make_layers)


TRAINING = {FLOAT32: MLP, AVX512: RoundedMLP, AMX: MKLMLP}
"""Names of arithmetics, and the model that trains in each."""
