"""isgd_mpi.fit on as many ranks as there are."""

import json
from itertools import chain

import numpy as np
import pytest
import threadpoolctl
from mpi4py import MPI
from own_models import Copying, Descending

import isgd_mpi
from isgd_mpi.kernels.threads import set_threads
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.params import initial_params
from isgd_mpi.run.cli import main
from isgd_mpi.settings.exit_codes import DONE

SMALL = {"hidden": [16], "threads": 1, "score_batch_size": 100, "steps": 48, "refresh_every": 16}


@pytest.fixture
def arrays():
    """Noisy prototypes of 5 classes: training set, validation set."""
    rng = np.random.default_rng(0)
    prototypes = 3 * rng.standard_normal((5, 12))
    labels = rng.integers(0, 5, 1000)
    labels[:5] = range(5)
    x = (prototypes[labels] + rng.standard_normal((1000, 12))).astype(np.float32)
    return (x[:803], labels[:803]), (x[803:], labels[803:])


class Own:
    """A user's model: a wrapped MLP that tells nothing else."""

    def __init__(self, n_features, n_classes, max_rows):
        widths = (n_features, 16, n_classes)
        self._mlp = MLP(widths, max_rows)
        self._mlp.params = initial_params(widths, "he", np.random.default_rng(1))
        self.scores, self.gradient = self._mlp.scores, self._mlp.gradient

    @property
    def params(self):
        return self._mlp.params

    @params.setter
    def params(self, vector):
        self._mlp.params = vector


def test_a_model_that_descends_does_what_one_does_whose_gradients_are_followed(comm, everywhere, arrays):
    options = {name: value for name, value in SMALL.items() if name != "hidden"} | {"schedule": "exact", "lr": 0.05}
    for trainers in (1, min(2, comm.size)):
        results = [
            isgd_mpi.fit(*arrays[0], model=model, comm=comm, trainers=trainers, **options)
            for model in (Copying, Descending)
        ]
        ok = comm.rank > 0 or np.allclose(*(result.model.params for result in results), rtol=1e-3, atol=1e-4)
        everywhere(ok)


@pytest.mark.parametrize("schedule, model", [("relaxed", None), ("exact", Own), ("pipelined", Own), ("relaxed", Own)])
def test_rank_0_gets_a_result_and_the_others_none(comm, everywhere, arrays, schedule, model):
    options = {name: value for name, value in SMALL.items() if not (model and name == "hidden")}
    result = isgd_mpi.fit(*arrays[0], arrays[1], model=model, comm=comm, schedule=schedule, lr=0.05, **options)
    everywhere((result is None) == (comm.rank != 0))
    ok = True
    if result:
        evaluated = result.history["eval"]
        last = {split: evaluated["error"][evaluated["split"] == split][-1] for split in ("train", "valid")}
        errors = [np.mean(result.predict(x) != y) for x, y in arrays]
        ok = (
            np.allclose(errors, list(last.values()), atol=2e-3)
            and max(errors) < 0.2
            and result.summary["valid"]["error"] == last["valid"]
            and result.summary["test"] is None
            and result.summary["ranks"] == comm.size
            and set(result.history) == {"event", "refresh", "eval"}
            and result.history["refresh"]["variance_gain"].dtype == float
            and result.history["event"]["message"][-1] == "stop: complete"
            and result.folder is None
        )
    everywhere(ok, f"{result and (errors, last, result.summary)}")


def test_a_nan_score_of_one_example_of_an_own_model_concerns_this_example(comm, everywhere, arrays):
    (x, y), _ = arrays
    mark = x[123, 0]

    class Odd(Own):
        def __init__(self, *sizes):
            super().__init__(*sizes)
            scores, gradient = self.scores, self.gradient
            self.scores = lambda x, y: (self.spoilt(x, scores(x, y)[0]), *scores(x, y)[1:])
            self.gradient = lambda x, y, weights: self.without_last(x, gradient(x, y, weights))

        def spoilt(self, x, scores):
            return np.where(np.isclose(x[:, 0], standardised), np.nan, scores)

        def without_last(self, x, answer):
            return (*answer[:2], self.spoilt(x, answer[2]))

    standardised = (mark - x[:, 0].mean(dtype=float)) / x[:, 0].std(dtype=float)
    options = {name: value for name, value in SMALL.items() if name != "hidden"}
    result = isgd_mpi.fit(x, y, model=Odd, comm=comm, schedule="exact", **options)
    told = [text for text in result.history["event"]["message"] if "has the score nan" in text] if result else []
    rank = 1 if comm.size > 1 else 0  # the second score batch of 100, of at most 9 in at least two shards
    expected = f"example 123 has the score nan on rank {rank}: the mean of the others stands for it"
    ok = result is None or told == [expected]
    used = result is None or bool(result.history["refresh"]["importance_sampling"][-1])
    everywhere(ok and used, f"{told}")


@pytest.mark.parametrize("weighted", [False, True])
def test_exact_is_bitwise_the_command_lines_run_on_a_file_of_the_same_arrays(
    comm, everywhere, arrays, shared_tmp_path, weighted
):
    (x, y), (xv, yv) = arrays
    weights = np.arange(len(y)) % 7 if weighted else None
    if comm.rank == 0:
        more = {"w_train": weights} if weighted else {}
        np.savez(shared_tmp_path / "a.npz", x_train=x, y_train=y, x_valid=xv, y_valid=yv, x_test=xv, y_test=yv, **more)
    comm.Barrier()
    folders = [shared_tmp_path / name for name in ("file", "arrays")]
    options = SMALL | {"schedule": "exact", "seed": 3} | ({"class_weight": "balanced"} if weighted else {})
    files = {"hidden": 16, "data": shared_tmp_path / "a.npz", "run_dir": folders[0]}
    words = [(f"--{name.replace('_', '-')}", str(value)) for name, value in (options | files).items()]
    everywhere(main([*chain(*words), "--quiet"]) == DONE)
    result = isgd_mpi.fit(x, y, (xv, yv), (xv, yv), sample_weight=weights, comm=comm, run_dir=folders[1], **options)
    ok = True
    if result:
        saved = [isgd_mpi.load(folder / "model.npz") for folder in folders]
        files = [{path.name for path in folder.iterdir()} for folder in folders]
        refreshes = [line for line in (folders[1] / "metrics.jsonl").read_text().splitlines() if '"refresh"' in line]
        ok = (
            np.array_equal(saved[0].params, saved[1].params)
            and np.array_equal(saved[0].params, result.model.params)
            and np.array_equal(saved[0].predict(xv), result.predict(xv))
            and files[0] == files[1]
            and len(refreshes) == len(result.history["refresh"]["step"])
            and json.loads((folders[1] / "summary.json").read_text())["steps"] == result.summary["steps"]
        )
    everywhere(ok)


def test_a_run_goes_on_from_the_command_line_with_the_same_arrays_in_a_file(comm, everywhere, arrays, shared_tmp_path):
    (x, y), test = arrays
    path, folder = shared_tmp_path / "a.npz", shared_tmp_path / "run"
    if comm.rank == 0:
        np.savez(path, x_train=x, y_train=y, x_test=test[0], y_test=test[1])
    options = SMALL | {"test": test, "schedule": "pipelined", "comm": comm}
    isgd_mpi.fit(x, y, run_dir=folder, **options)
    whole = isgd_mpi.fit(x, y, **options | {"steps": 80})
    everywhere(main(["--resume", str(folder), "--data", str(path), "--steps", "80"]) == DONE)
    everywhere(whole is None or np.array_equal(isgd_mpi.load(folder).params, whole.model.params))


@pytest.mark.parametrize("score", ["grad-norm", "predicted-loss", "uniform"])
def test_exact_with_weights_is_bitwise_the_same_on_one_rank_and_on_all(comm, everywhere, arrays, score):
    (x, y), validation = arrays
    weights = np.where(y == 0, 0, np.arange(len(y)) % 7)
    options = SMALL | {"schedule": "exact", "sample_weight": weights, "score": score, "validation": validation}
    options["class_weight"] = dict.fromkeys(range(5), 1) | {2: 1.5}
    alone = isgd_mpi.fit(x, y, comm=MPI.COMM_SELF, **options)
    result = isgd_mpi.fit(x, y, comm=comm, **options)
    everywhere(result is None or np.array_equal(result.model.params, alone.model.params))
    everywhere((alone.predict(x[y == 0]) != 0).mean() > 0.3)  # nothing was learnt of the class without weight


@pytest.mark.parametrize("score", ["uniform", None])
def test_a_model_of_the_users_own_gets_the_weights_of_examples_with_the_importance_weights(
    comm, everywhere, arrays, score
):
    (x, y), _ = arrays
    weights = np.where(y == 0, 0.0, 1 + np.arange(len(y)) % 3)
    weight_of_row = dict(zip(map(bytes, x), weights / weights.mean()))
    seen = []

    class Recording(Own):
        def __init__(self, *sizes):
            super().__init__(*sizes)
            gradient = self.gradient

            def recorded(x, y, given):
                if len(x) == 50:  # a minibatch, not a probe
                    seen.extend(zip(map(bytes, np.array(x)), given.tolist()))
                return gradient(x, y, given)

            self.gradient = recorded

    options = {name: value for name, value in SMALL.items() if name != "hidden"}
    options |= {"minibatch_size": 50, "schedule": "exact"}
    options |= {"score": score} if score else {}
    result = isgd_mpi.fit(x, y, model=Recording, sample_weight=weights, standardize="none", comm=comm, **options)
    if result is None:
        return everywhere(True)
    own, given = np.array([(weight_of_row[row], weight) for row, weight in seen[-50 * SMALL["steps"] :]]).T
    if score == "uniform":
        return everywhere((own == 0).any() and np.allclose(given, own, rtol=1e-6))
    late = slice(-500, None)  # drawn by scores
    return everywhere(own[late].min() > 0 and np.ptp(given[late]) > 0.5 and not np.allclose(given, own))


def test_what_is_wrong_on_one_rank_is_told_on_all(comm, everywhere, arrays):
    guilty = comm.size - 1
    (x, y), _ = arrays
    for arguments, message in [
        (lambda wrong: {"lr": -0.1 if wrong else 0.1}, "lr must be above 0, or auto, not -0.1"),
        (lambda wrong: {"x": np.where(wrong, np.nan, x)}, "x, y: example 0 has a NaN"),
        (lambda wrong: {"sample_weight": y - wrong}, "x, y: sample_weight: example"),
        (lambda wrong: {"model": "?" if wrong else Own}, "model must be a function"),
        (lambda wrong: {"trainers": comm.size + 1}, f"trainers {comm.size + 1} needs at least as many ranks"),
    ]:
        with pytest.raises(isgd_mpi.InputError) as caught:
            isgd_mpi.fit(comm=comm, **{"x": x, "y": y} | arguments(comm.rank == guilty))
        everywhere(message in str(caught.value), str(caught.value))


def test_what_differs_between_ranks_is_refused(comm, everywhere, arrays):
    (x, y), _ = arrays
    if comm.size == 1:
        pytest.skip("nothing can differ")
    for arguments, message in [
        ({"seed": comm.rank}, "options"),
        ({"x": x + comm.rank}, "arrays"),
        ({"sample_weight": y + 1 + comm.rank}, "arrays"),
        ({"x": x[comm.rank :], "y": y[comm.rank :]}, "arrays"),
    ]:
        with pytest.raises(isgd_mpi.InputError, match="not the same on every rank") as caught:
            isgd_mpi.fit(comm=comm, **{"x": x, "y": y} | arguments)
        everywhere(message in str(caught.value))


def test_divergence_is_raised_on_every_rank_and_leaves_no_trace(comm, everywhere, arrays):
    def threads():
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]

    set_threads(3)
    with threadpoolctl.threadpool_limits(2):
        before = threads()
        with pytest.raises(isgd_mpi.Diverged) as caught:
            isgd_mpi.fit(*arrays[0], comm=comm, lr=1e9, **SMALL)
        everywhere(threads() == before, f"{before} {threads()}")
    everywhere(set_threads(1) == 3)
    everywhere("try a lr below 1e+09" in str(caught.value), str(caught.value))


def test_five_ranks_on_three_examples(comm, everywhere):
    x, y = np.arange(6.0).reshape(3, 2), np.array([0, 1, 0])
    result = isgd_mpi.fit(x, y, comm=comm, steps=10, hidden=[4], threads=1)
    everywhere((result is None) == (comm.rank != 0))
    everywhere(result is None or result.predict(x).shape == (3,))
