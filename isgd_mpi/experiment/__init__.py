"""Run the papers' experiments and report on them: ``python -m isgd_mpi.experiment NAME``.

Read in this order: what an experiment is, its runs, how they are started and collected, the command.

* :mod:`~isgd_mpi.experiment.description`: groups of runs that differ in their options, as data
* :mod:`~isgd_mpi.experiment.catalogue`: the experiments by name
* :mod:`~isgd_mpi.experiment.plan`: make the runs of an experiment: options, ranks and folders
* :mod:`~isgd_mpi.experiment.status`: judge what the folder of a run holds
* :mod:`~isgd_mpi.experiment.conduct`: do the runs that are due, and write experiment.json
* :mod:`~isgd_mpi.experiment.perform`, :mod:`~isgd_mpi.experiment.launcher`: one run after the other under mpirun
* :mod:`~isgd_mpi.experiment.queue`, :mod:`~isgd_mpi.experiment.slurm`: all runs as an array job of SLURM
* :mod:`~isgd_mpi.experiment.table`: make the table that is printed at the end
"""
