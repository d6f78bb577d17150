"""Benchmark ``refresh``: the trainer's time for a refresh and for a draw, alone and where it feeds another.

To read in this order:

* `main`: options, tables;
* `trainer_side`: a trainer with reports of made-up scorers;
* `ranks`: a trainer 0 that feeds others, whose steps are made up, and the figures of such a run;
* `fed_side`: those steps, and the parts that are put in the place of a run's.
"""
