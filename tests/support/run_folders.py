"""Folders of runs, made by hand: every figure in them is known."""

import json

import numpy as np

from isgd_mpi.ranks.timeline import ACTIVITIES

OPTIONS = {"data": "mnist10k", "hidden": [16], "lr": 0.1, "minibatch_size": 16, "score": "grad-norm", "seed": 0}
SUMMARY = {
    "steps": 100, "seconds": 10.0, "variance_gain": 6.1, "steps_per_second": 10.0, "wait_fraction": 0.03, "ranks": 3,
    "trainers": 1, "stopped": None,
}  # fmt: skip


def refresh(step, in_use=1.0, **fields):
    """A refresh of a run that takes ten steps a second."""
    traces = {"trace_ideal": 0.5, "trace_in_use": in_use, "trace_uniform": 4.0, "variance_gain": 4.0}
    return {"kind": "refresh", "step": step, "seconds": step / 10, **traces, **fields}


def evaluation(step, loss, split="train", error=0.1, staleness=0, seconds=None):
    """An evaluation line."""
    seconds = step / 10 if seconds is None else seconds
    return {"kind": "eval", "step": step, "seconds": seconds, "split": split, "loss": loss, "error": error, "n": 10,
            "staleness": staleness}  # fmt: skip


def ordinary_lines(last_loss=0.1):
    """Ten refreshes and evaluations of a loss that falls in a straight line from 1."""
    lines = [{"kind": "event", "step": 0, "seconds": 0.0, "message": "start"}]
    for step in range(10, 101, 10):
        lines.append(refresh(step))
        loss = 1 + (last_loss - 1) * step / 100
        lines += [evaluation(step, loss, split, error=loss / 10) for split in ("train", "valid", "test")]
    return lines


def write_run(folder, lines=None, summary=SUMMARY, spans=True, **options):
    """Write a run's files; return its folder."""
    folder.mkdir(parents=True)
    text = "".join(json.dumps(line) + "\n" for line in (ordinary_lines() if lines is None else lines))
    (folder / "metrics.jsonl").write_text(text)
    toml = "".join(f"{name} = {json.dumps(value)}\n" for name, value in (OPTIONS | options).items())
    (folder / "config.toml").write_text(toml)
    (folder / "environment.json").write_text(json.dumps({"ranks": 3, "processor": "abacus"}))
    if summary is not None:
        (folder / "summary.json").write_text(json.dumps(summary))
    if spans:
        np.savez(folder / "timeline.npz", **three_ranks())
    return folder


def three_ranks():
    """A timeline of 10 s: rank 0 trains 9 s and waits 1 s, ranks 1 and 2 score 6 s, send 1 s and wait 3 s."""
    codes = {name: code for code, name in enumerate(ACTIVITIES)}
    rows = [(0, codes["training"], 0.0, 9.0), (0, codes["waiting"], 9.0, 10.0)]
    for rank in (1, 2):
        times = {"scoring": (0.0, 6.0), "sending": (6.0, 7.0), "waiting": (7.0, 10.0)}
        rows += [(rank, codes[name], *time) for name, time in times.items()]
    rank, activity, begin, end = zip(*rows)
    return {
        "rank": np.array(rank, np.int32), "activity": np.array(activity, np.int8), "begin": np.array(begin),
        "end": np.array(end), "stretch": np.array([0.0, 10.0]), "activities": np.array(ACTIVITIES),
    }  # fmt: skip
