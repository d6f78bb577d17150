"""Predict each example's loss by a small model: an optional feature, to be skipped on first reading.

With ``--score predicted-loss`` the score table is filled by predictions, and scorers only measure
losses for the predictor to learn from. The predictor runs on a rank of its own, the last one, or,
where there is none, in the trainer's process.

::

    trainer 0 (observations.PredictedScores)              predictor (forecaster.Forecaster)

    losses of minibatches and of scorers wait in a queue
    refresh begins: observations (step, rows, losses) --> learns from the losses in their order,
                                                          predicts the next batches of examples
    merge: predictions go into the score table        <-- report: predicted losses, correlation,
                                                          and the state behind them

A report holds the predictor's whole state. A checkpoint keeps the last report; when the run is
resumed, the predictor gets it back and goes on from it.

To read in this order:

* `observations`: the trainer's end: send losses, write predictions into the score table;
* `forecaster`: the predictor's end: learn from losses, predict, report;
* `predictors`: the small models that predict;
* `lstm`: the network of one of them.
"""
