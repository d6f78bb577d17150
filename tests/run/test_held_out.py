import pytest

from isgd_mpi.run.record.held_out import describe_end


def lines(**losses):
    """Return the lines of evaluations each 100 steps, written 7 steps later; the error is a tenth of the loss."""
    return [{"kind": "event", "step": 0, "message": "start"}] + [
        {"kind": "eval", "step": 100 * i + 7, "staleness": 7, "split": split, "loss": loss, "error": loss and loss / 10}
        for split, curve in losses.items()
        for i, loss in enumerate(curve, start=1)
    ]


def test_held_out_data_come_first_at_their_best_step_too():
    (line,) = describe_end(lines(train=[0.9, 0.5, 0.4], valid=[0.8, 0.6, 0.62], test=[1, 1, 1]))
    assert line == ("valid error 6.20% (best 6.00% at step 200), loss 0.62 (best 0.6 at step 200); training loss 0.4")
    assert describe_end(lines(train=[0.9, 0.5], test=[0.8, 0.7])) == ["test error 7.00%, loss 0.7; training loss 0.5"]


def test_further_figures_of_the_split_are_told_the_balanced_error_where_it_is_larger():
    last = {"test": {"loss": 0.7, "error": 0.07, "balanced_error": 0.25, "auc": 0.98765}}
    (line,) = describe_end(lines(train=[0.9], test=[0.7]), last)
    assert line == "test error 7.00%, balanced error 25.00%, AUC 0.9877, loss 0.7; training loss 0.9"
    last["test"] |= {"balanced_error": 0.08, "auc": float("nan")}  # of one class
    assert describe_end(lines(test=[0.7]), last | {"valid": None}) == ["test error 7.00%, loss 0.7"]


def test_the_error_of_a_single_label_is_told_once():
    last = {"test": {"loss": 0.7, "error": 0.07, "label_error": 0.07}}
    assert describe_end(lines(test=[0.7]), last) == ["test error 7.00%, loss 0.7"]
    last["test"]["label_error"] = 0.02
    assert describe_end(lines(test=[0.7]), last) == ["test error 7.00%, label error 2.00%, loss 0.7"]


def test_numbers_are_judged_by_their_rmse():
    evaluations = [
        {
            "kind": "eval",
            "step": step,
            "staleness": 0,
            "split": "test",
            "loss": 0.5,
            "rmse": rmse,
            "mae": 1.0,
            "r2": 0.5,
        }
        for step, rmse in ((100, 3.21), (200, 12.34567))
    ]
    (line,) = describe_end(evaluations, {"test": evaluations[-1]})
    assert line == "test RMSE 12.35 (best 3.21 at step 100), MAE 1, R² 0.5, loss 0.5"


def test_overfitting_is_said_with_what_helps():
    _, line = describe_end(lines(train=[0.9, 0.5, 0.1], valid=[0.8, 0.6, 0.9]))
    assert line.startswith("valid loss has risen from 0.6 at step 200 to 0.9 while training loss fell from 0.5 to 0.1")
    assert "--steps 200" in line and "--weight-decay" in line


@pytest.mark.parametrize("curves", [{"valid": [0.8, 0.6, 0.9]}, {}])
def test_a_relapse_is_said(curves):
    found = describe_end(lines(train=[0.5, 0.053, 0.085], **curves))
    assert len(found) == 2
    assert found[1].startswith("a relapse at the end: training loss was 0.053 at step 200 and is 0.085 at step 300")


@pytest.mark.parametrize(
    "curves",
    [
        {},
        {"train": [0.5]},
        {"train": [0.5, 0.7]},
        {"train": [0.5, 0.4, 0.45], "test": [0.5, 0.4, 0.43]},
        {"train": [0.5, None, 0.4]},
    ],
)
def test_nothing_more_is_said_where_there_is_nothing(curves):
    assert len(describe_end(lines(**curves))) == bool(curves)
