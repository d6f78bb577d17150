"""What a run has left behind, on every rank."""

import json

import numpy as np


def read(folder, comm):
    """Rank 0's view of a run, on every rank."""
    if comm.rank:
        return comm.bcast(None, root=0)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    with np.load(folder / "model.npz", allow_pickle=False) as model:
        params = model["params"]
    return comm.bcast((lines, json.loads((folder / "summary.json").read_text()), params), root=0)
