"""The benchmark ``refresh``: the trainer's time for a refresh and for a draw, without MPI.

* `main`: options, tables;
* `trainer_side`: a trainer with reports of made-up scorers, and the calls that are timed.
"""
