"""``python -m isgd_mpi.report RUN ...``: figures and one HTML page from the folders of runs."""
