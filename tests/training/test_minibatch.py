import numpy as np
import pytest

from isgd_mpi.data.target import Target
from isgd_mpi.model.optim import SGD
from isgd_mpi.training.minibatch import PER_EXAMPLE, Learner


class Squares:
    """A model with a known answer, and a data set of three numbers."""

    params = np.zeros(1, np.float32)
    n_features, target = 1, Target("classes", 4)

    def gather(self, indices, images, labels):
        images[:, 0] = np.array([1.0, 2.0, 4.0])[indices]
        labels[:] = indices

    def gradient(self, x, y, weights):
        self.predictions = y + 1
        self.grad_norms = x[:, 0] ** 2
        return float(weights @ x[:, 0]) / len(x), weights.sum(keepdims=True), x[:, 0] ** 2


def learner(n_params=1):
    model = Squares()
    model.params = np.ones(n_params)
    return Learner(model, model, SGD(model.params, 0.5), 2)


def test_a_minibatch_is_gathered_and_handed_to_the_model():
    minibatch = learner().compute(np.array([2, 0]), np.array([0.5, 3.0]))
    assert minibatch.loss == (0.5 * 4 + 3 * 1) / 2
    assert minibatch.gradient == [3.5]
    assert [list(getattr(minibatch, name)) for name in PER_EXAMPLE] == [[16, 1], [3, 1], [16, 1]]


def test_an_update_follows_the_gradient():
    learner_of_three = learner(3)
    learner_of_three.update(1.0, np.array([1.0, 2.0, 0.0]))
    np.testing.assert_array_equal(learner_of_three.model.params, [0.5, 0.0, 1.0])


@pytest.mark.parametrize(
    ("loss", "slope", "culprit"), [(np.nan, 1, "loss"), (np.inf, 1, "loss"), (1.0, np.nan, "gradient")]
)
def test_a_loss_or_gradient_that_is_not_finite_updates_nothing(loss, slope, culprit):
    learner_of_three = learner(3)
    with pytest.raises(FloatingPointError, match=f"the {culprit} is not finite"):
        learner_of_three.update(loss, np.array([1.0, slope, 0.0]))
    np.testing.assert_array_equal(learner_of_three.model.params, 1)
