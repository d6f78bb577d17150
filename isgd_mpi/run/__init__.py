"""A job, from its options to its results.

To read in this order:

* `cli`: the command line;
* `fit`: the same from Python, on arrays;
* `job`: load the data, compile the kernels, then play a role;
* `defaults`: the limit of a job that is given none, by what the data are;
* `setup`: everything that a rank knows of its job;
* `trainers`: choose the number of trainers;
* `communicators`: the communicators of each role;
* `reference`: the losses of a reference model, which are subtracted from the scores;
* `leader`: trainer 0, which starts, leads and ends training;
* `roles`: scorers, loss predictor and other trainers;
* `resume`: the state of a run, and who takes back which part of it;
* `warmup`: compile the kernels before the clock starts;
* `record`: the files that a run leaves behind.
"""
