"""The best model on the validation set is kept, and patience ends a run; on all ranks of this process."""

import numpy as np
import pytest
from own_models import Copying
from run_files import messages, read

import isgd_mpi
from isgd_mpi.model.mlp import MLP
from isgd_mpi.settings.exit_codes import BAD_INPUT, DONE, TRY_AGAIN

OPTIONS = ["--lr", 0.3, "--momentum", 0.5, "--minibatch-size", 64, "--refresh-every", 8, "--eval-every", 20]
PATIENCE = [*OPTIONS, "--steps", 2000, "--patience", 3]


@pytest.fixture
def noisy(comm, shared_tmp_path):
    """The path of a set with labels so noisy that a net soon learns them by heart, to the harm of validation."""
    path = shared_tmp_path / "noisy.npz"
    if comm.rank == 0:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((900, 12)).astype(np.float32)
        y = np.where(rng.random(900) < 0.3, rng.integers(0, 3, 900), x[:, :3].argmax(axis=1))
        splits = zip(("train", "valid", "test"), np.split(x, [500, 700]), np.split(y, [500, 700]))
        np.savez(path, **{f"{kind}_{name}": array for name, *pair in splits for kind, array in zip("xy", pair)})
    comm.barrier()
    return path


def best_of(folder, comm):
    """Return the parameters, the step and the loss, computed anew, of a run's best model."""
    if comm.rank:
        return comm.bcast(None)
    model, data = isgd_mpi.load(folder, best=True), np.load(folder.parent / "noisy.npz")
    x = ((data["x_valid"] - model.mean) * model.inverse_std).astype(np.float32)
    mlp = MLP(model.widths, len(x))
    mlp.params = model.params
    return comm.bcast((model.params, model.step, float(mlp.scores(x, data["y_valid"])[1].mean())))


@pytest.mark.parametrize("schedule, measure", [("relaxed", "loss"), ("pipelined", "error")])
def test_the_model_of_the_least_measure_is_in_best_npz(
    run, comm, shared_tmp_path, everywhere, noisy, schedule, measure
):
    options = ["--data", noisy, "--schedule", schedule, "--best-by", measure, "--steps", 300]
    assert run("a", *OPTIONS, *options) == DONE
    lines, summary, _ = read(shared_tmp_path / "a", comm)
    of_valid = [line for line in lines if line.get("split") == "valid"]
    least = min(of_valid, key=lambda line: line[measure])
    _, step, loss = best_of(shared_tmp_path / "a", comm)
    assert summary["best"] == {"step": step, "by": measure, "value": least[measure]}
    assert step == least["step"] - least["staleness"] <= summary["steps"] == 300
    everywhere(np.isclose(loss, least["loss"], rtol=1e-4), f"{loss} is not {least['loss']}")


@pytest.mark.parametrize("schedule, step", [("exact", 33), ("pipelined", 47), ("pipelined", 61)])
def test_a_resumed_run_stops_early_at_the_same_step_with_the_same_best_model(
    run, command, comm, shared_tmp_path, noisy, stop_at, schedule, step, capsys
):
    options = [*PATIENCE, "--data", noisy, "--schedule", schedule]
    assert run("whole", *options) == DONE
    stop_at(step)
    assert run("parted", *options) == TRY_AGAIN
    parted = shared_tmp_path / "parted"
    if comm.rank == 0:
        (parted / "best.npz").unlink(missing_ok=True)
    assert command("--resume", parted) == DONE
    (lines, whole, _), (_, again, _) = (read(shared_tmp_path / name, comm) for name in ("whole", "parted"))
    assert whole["stopped_early"] and whole["stopped"] is None and 80 < whole["steps"] < 2000
    assert [whole[name] for name in ("steps", "best", "valid")] == [again[name] for name in ("steps", "best", "valid")]
    assert messages(lines)[-1] == "stop: patience is at its end"
    first, second = (best_of(shared_tmp_path / name, comm) for name in ("whole", "parted"))
    assert first[1:] == second[1:] and np.array_equal(first[0], second[0])
    assert command("--resume", parted, "--no-quiet") == DONE  # nothing to do
    said = comm.bcast(capsys.readouterr().out)
    assert f"stopped early at step {whole['steps']}: validation loss had not fallen for 3 evaluations" in said
    assert command("--resume", parted, "--patience", 4, "--quiet") == DONE
    assert read(parted, comm)[1]["steps"] > whole["steps"]


def test_patience_needs_a_validation_set(run, comm, shared_tmp_path, capsys):
    path = shared_tmp_path / "two.npz"
    if comm.rank == 0:
        np.savez(path, x_train=np.eye(4), y_train=[0, 1, 0, 1], x_test=np.eye(4), y_test=[0, 1, 0, 1])
    comm.barrier()
    assert run("a", "--data", path, "--patience", 3) == BAD_INPUT
    said = comm.bcast(capsys.readouterr().err)
    assert "--patience 3 needs a validation set, and the data set two has none" in said
    assert comm.rank or not (shared_tmp_path / "a").exists()


def test_fit_returns_the_best_model_and_says_why_it_stopped(comm, everywhere, noisy):
    data = np.load(noisy)
    arrays = [data[f"{kind}_{name}"] for name in ("train", "valid") for kind in "xy"]
    options = {"schedule": "pipelined", "refresh_every": 4, "eval_every": 20, "patience": 3, "steps": 2000}
    result = isgd_mpi.fit(*arrays[:2], arrays[2:], comm=comm, hidden=[16], lr=0.3, momentum=0.5, **options)
    ok = True
    if result:
        step, verdict = result.summary["best"]["step"], result.verdict
        why = f"stopped early at step {result.model.step}: validation loss had not fallen for 3 evaluations"
        ok = result.best.step == step < result.model.step and f"{why}; result.best is of step {step}" in verdict
    everywhere(ok, f"{result and result.verdict}")


def test_a_run_that_begins_with_a_model_evaluates_it_first(run, command, comm, everywhere, shared_tmp_path, noisy):
    first, second = shared_tmp_path / "first", shared_tmp_path / "second"
    options = ["--data", noisy, "--schedule", "pipelined", "--refresh-every", 4]
    assert run("first", *options, "--steps", 40) == DONE
    assert run("second", *options, "--init", first, "--standardize", "none", "--steps", 40) == DONE
    before, (lines, summary, _) = read(first, comm)[1], read(second, comm)
    start = {line["split"]: line for line in lines if line["kind"] == "eval" and line["step"] == line["staleness"]}
    for split in ("train", "valid", "test"):
        everywhere(np.isclose(start[split]["loss"], before[split]["loss"], rtol=1e-4), f"{start} is not {before}")
    assert summary["best"]["value"] <= start["valid"]["loss"]
    comm.barrier()
    if comm.rank == 0:
        (first / "model.npz").unlink()
    assert command("--resume", second, "--steps", 50, "--quiet") == DONE  # its parameters are in the checkpoint
    assert run("third", *options, "--init", first) == BAD_INPUT


@pytest.mark.parametrize("own", [False, True])
def test_fit_begins_with_the_model_that_rank_0_gives(comm, everywhere, noisy, own):
    data, make = np.load(noisy), Copying if own else None
    options = {"model": make, "comm": comm, "steps": 30, "eval_every": 10} | ({} if own else {"hidden": [5]})
    arrays = data["x_train"], data["y_train"], (data["x_valid"], data["y_valid"])
    result = isgd_mpi.fit(*arrays, **options)
    for init in (result and result.model, result and result.best.params, result):
        again = isgd_mpi.fit(*arrays, **options | {"lr": 1e-9, "init": init})
        given = result and (result.best if isinstance(init, np.ndarray) else result.model)
        everywhere(not again or np.allclose(again.model.params, given.params, atol=1e-5), "other parameters")
