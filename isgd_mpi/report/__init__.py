"""Write figures and one HTML page from the folders of runs: ``python -m isgd_mpi.report RUN ...``.

To read in this order:

* `__main__`: the command line;
* `files`: read the options and the timeline of a run;
* `runs`: read the folder of a run, the only place where that is done;
* `study`: find the runs to report on, and group those that differ in their seed only;
* `statistics`: average over the runs of a group, the only place where that is done;
* `series`: take from a run the curves and the numbers that figures and tables show;
* `verdicts`: say whether importance sampling paid;
* `run_table`: ``python -m isgd_mpi.bench runs``, the numbers of finished runs on the terminal;
* `style`, `curves`, `comparisons`, `activity`: draw; only these need Matplotlib;
* `drawing`: list the figures, draw and save them;
* `page`: render the HTML page;
* `write`: write figures and page into a folder;
* `pays/`: the report of ``python -m isgd_mpi.experiment pays``.
"""
