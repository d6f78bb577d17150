"""Every rank's spans reach the root, and a run leaves them behind, however it ends."""

import time

import numpy as np
import pytest

from isgd_mpi.ranks.timeline import ACTIVITIES, Timeline, gather_timeline
from isgd_mpi.ranks.waiting import Waiter
from isgd_mpi.settings.exit_codes import FAILED


@pytest.mark.parametrize("root", [0, -1])
@pytest.mark.parametrize("polite", [False, True])
def test_spans_of_every_rank_are_gathered(comm, everywhere, root, polite):
    root %= comm.size
    timeline = Timeline()
    comm.Barrier()
    timeline.start()
    for _ in range(comm.rank):  # none on rank 0
        with timeline("scoring"):
            pass
    comm.Barrier()
    time.sleep(0.1)  # clocks of ranks differ by how long they took to leave the barrier
    timeline.stop()
    spans = gather_timeline(comm, Waiter(polite, timeline=timeline), root)
    everywhere((spans is None) == (comm.rank != root), "who has the spans")
    ok = True
    if spans is not None:
        ok &= spans["rank"].tolist() == [rank for rank in range(comm.size) for _ in range(rank)]
        ok &= bool((spans["begin"] <= spans["end"]).all() and (spans["end"] <= spans["stretch"][1]).all())
        ok &= set(spans["activity"]) <= {ACTIVITIES.index("scoring")}
        ok &= len({len(spans[name]) for name in ("rank", "activity", "begin", "end")}) == 1
    everywhere(ok, "the spans differ")


def test_the_stretch_begins_where_all_ranks_have_kept_what_they_did(comm, everywhere):
    timeline = Timeline(n_spans=4)
    timeline.start()
    for _ in range(20 if comm.rank == comm.size - 1 else 2):
        with timeline("scoring"):
            pass
    comm.Barrier()
    timeline.stop()
    spans = gather_timeline(comm, Waiter(polite=True, timeline=timeline))
    kept = comm.bcast(timeline.stretch()[0], root=comm.size - 1)
    everywhere(spans is None or spans["stretch"][0] == kept, "another stretch")


@pytest.mark.parametrize(
    ("schedule", "end"),
    [("exact", "complete"), ("pipelined", "complete"), ("relaxed", "complete"), ("relaxed", "diverged")],
)
def test_a_run_leaves_its_timeline(run, comm, shared_tmp_path, everywhere, schedule, end):
    options = ["--steps", 40, "--refresh-every", 8, "--schedule", schedule]
    code = run("run", *options, *(["--lr", 1e30] if end == "diverged" else []))
    everywhere((code == FAILED) == (end == "diverged"), f"exit code {code}")
    if comm.rank == 0:
        with np.load(shared_tmp_path / "run" / "timeline.npz", allow_pickle=False) as spans:
            names = spans["activities"][spans["activity"]]
            steps = np.count_nonzero((names == "training") & (spans["rank"] == 0))
            ranks, (begin, stop) = set(spans["rank"].tolist()), spans["stretch"]
            ok = bool((spans["begin"] >= begin).all() and (spans["end"] <= stop).all())
        ok &= steps == 40 if end == "complete" else steps < 40
        ok &= ranks == set(range(comm.size)) or end == "diverged"
    everywhere(comm.rank or ok, "the timeline is not what it should be")
