"""Find out on one's own data whether importance sampling pays: ``python -m isgd_mpi.experiment pays --data FILE``.

To read in this order:

* `main`: the command line;
* `methods`: what is compared, and the settings that are tried;
* `plan`: all that a job has to know, and pays.json;
* `start`: the job with mpirun, started anew if it dies;
* `ranks`: the program on ranks, which does one run after another;
* `conduct`: the order of the runs: trials first, then seeds;
* `timing`: how long a run may take, so that all of them fit into the time that there is;
* `trials`: the search of one method;
* `judge`: the measure that runs are judged by;
* `ledger`: the runs so far, in a file;
* `queue`: the same as an array job of SLURM;
* `speed`: predict how much faster importance sampling is on any number of ranks;
* `forecast`: the figures of one run that this follows from, and the answer in words.
"""
