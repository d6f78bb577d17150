"""Run the papers' experiments and report on them: ``python -m isgd_mpi.experiment NAME``.

To read in this order:

* `__main__`: the command line;
* `description`: groups of runs that differ in their options, as data;
* `catalogue`: the experiments by name;
* `plan`: make the runs of an experiment: options, ranks and folders;
* `status`: judge what the folder of a run holds;
* `conduct`: do the runs that are due, and write experiment.json;
* `perform`, `launcher`: one run after the other under mpirun;
* `queue`, `slurm`: all runs as an array job of SLURM;
* `table`: make the table that is printed at the end.
"""
