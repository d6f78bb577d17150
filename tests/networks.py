"""Measure staleness and gain by network: two nodes on this machine, joined by cables of several rates and delays.

``python tests/networks.py`` prints the rows of a table; root, for namespaces. The cable is a program, which needs a
part of the two cores itself.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "support"))  # as pytest does

from launch import ENVIRONMENT, command, succeeded  # noqa: E402
from processes import run_to_end  # noqa: E402
from two_nodes import TwoNodes, missing  # noqa: E402

CABLES = ["none", "1000/0", "1000/1", "1000/10", "100/0", "100/1", "100/10"]
"""Rates in Mbit/s and delays in ms; none is one node."""


def main():
    """Measure each network, and print a row for each schedule and number of ranks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=6, help="of each run")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 4], help="on each of the two nodes")
    parser.add_argument("--schedules", nargs="+", default=["pipelined", "relaxed"])
    parser.add_argument("--cables", nargs="+", default=CABLES, help="MBIT/MS each, or none for a single node")
    parser.add_argument("options", nargs="*", help="of isgd_mpi, after --")
    arguments = parser.parse_args()
    if problem := missing():
        sys.exit(problem)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # which ends the job, too
    print("| network | schedule, ranks | steps/s | mean staleness | variance gain |\n|---|---|---|---|---|")
    for cable in arguments.cables:
        for n_ranks in arguments.ranks:
            for schedule in arguments.schedules:
                figures = measure(cable, n_ranks, schedule, arguments)
                print(f"| {name(cable)} | `{schedule}`, {n_ranks} + {n_ranks} | {figures} |", flush=True)


def name(cable):
    """Return a cable in words."""
    mbit, _, delay_ms = cable.partition("/")
    return "one node" if cable == "none" else f"{mbit} Mbit/s" + (f", {delay_ms} ms" if delay_ms != "0" else "")


def measure(cable, n_ranks, schedule, arguments):
    """Run a job; return steps a second, mean staleness (second half) and variance gain as the cells of a row."""
    with tempfile.TemporaryDirectory() as parent:
        (nodes_folder := Path(parent) / "nodes").mkdir()
        options = ["--schedule", schedule, "--seconds", arguments.seconds, "--trainers", 1, "--threads", 1, "--quiet"]
        options += ["--run-dir", Path(parent) / "run", *arguments.options]
        if cable == "none":
            done = run_to_end(command(2 * n_ranks, *options), env=ENVIRONMENT)
        else:
            mbit, _, delay_ms = cable.partition("/")
            with TwoNodes(nodes_folder, delay_ms=delay_ms, mbit=mbit) as nodes:
                done = nodes.launch((n_ranks, n_ranks), *options)
        run = succeeded(done, Path(parent) / "run")
    ages = [line["staleness_mean"] for line in run.of_kind("refresh") if line["staleness_mean"] is not None]
    gain, speed = run.summary["variance_gain"], run.summary["steps_per_second"]
    return f"{speed:.0f} | {np.mean(ages[len(ages) // 2 :]):.0f} | {f'{gain:.1f}' if gain else '–'}"


if __name__ == "__main__":
    main()
