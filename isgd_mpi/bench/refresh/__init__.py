"""Benchmark ``refresh``: the trainer's time for a refresh and for a draw, without MPI.

To read in this order:

* `main`: options, tables;
* `trainer_side`: a trainer with reports of made-up scorers, and the calls that are timed.
"""
