"""Write figures and one HTML page from the folders of runs: ``python -m isgd_mpi.report RUN ...``.

Read in this order: what a run is, which runs belong together, what is computed, what is drawn, the page.

* :mod:`~isgd_mpi.report.files`: read the options and the timeline of a run
* :mod:`~isgd_mpi.report.runs`: read the folder of a run, the only place where that is done
* :mod:`~isgd_mpi.report.study`: find the runs to report on, and group those that differ in their seed only
* :mod:`~isgd_mpi.report.statistics`: average over the runs of a group, the only place where that is done
* :mod:`~isgd_mpi.report.series`: take from a run the curves and the numbers that figures and tables show
* :mod:`~isgd_mpi.report.verdicts`: say whether importance sampling paid
* :mod:`~isgd_mpi.report.run_table`: ``python -m isgd_mpi.bench runs``, the numbers of finished runs on the terminal
* :mod:`~isgd_mpi.report.style`, :mod:`~isgd_mpi.report.curves`, :mod:`~isgd_mpi.report.comparisons`,
  :mod:`~isgd_mpi.report.activity`: draw; only these need Matplotlib
* :mod:`~isgd_mpi.report.drawing`: list the figures, draw and save them
* :mod:`~isgd_mpi.report.page`: render the HTML page
* :mod:`~isgd_mpi.report.write`: write figures and page into a folder
"""
