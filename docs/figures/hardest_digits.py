"""Draw the hardest test digits of a run, as the report does: ``python docs/figures/hardest_digits.py RUN``.

The run behind the figure: ``mpirun -n 2 python -m isgd_mpi --data mnist --epochs 5 --save-scores --run-dir RUN``.
"""

import sys
from pathlib import Path

from isgd_mpi.report.example_figures import pictures
from isgd_mpi.report.study import read_study
from isgd_mpi.report.style import house_style


def main(run, out):
    """Write the figure, of a run's folder."""
    with house_style():
        figure = pictures(read_study([Path(run)]), "test")
        figure.savefig(out, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main(sys.argv[1], Path(__file__).with_name("hardest-digits.png"))
