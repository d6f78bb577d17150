"""The estimators for scikit-learn on as many ranks as there are."""

import numpy as np
import pytest


def test_all_ranks_predict_the_same_after_a_fit(comm, everywhere):
    if comm.Get_size() != 2:
        pytest.skip("two ranks are enough: importing scikit-learn takes long")
    pytest.importorskip("sklearn", minversion="1.6")
    from isgd_mpi.sklearn import ISGDClassifier

    x = np.random.default_rng(0).standard_normal((300, 4))
    y = np.array(["no", "yes"])[(x[:, 0] > 0).astype(int)]
    model = ISGDClassifier(hidden=(8,), steps=64, lr=0.1, options={"threads": 1}).fit(x, y)
    probabilities = comm.allgather(model.predict_proba(x))
    everywhere(all(np.array_equal(probabilities[0], other) for other in probabilities))
    everywhere(model.score(x, y) > 0.8)
