"""The two loops, of the trainer and of the scorers, and what they call.

To read in this order:

* `loop`: the trainer's loop: take steps, publish parameters, merge scores, stop;
* `trainer`: the state of a training run: take a step, publish, merge;
* `minibatch`: compute the gradient of a minibatch, and update the model;
* `ordered_steps`: keep account of the steps that are not learnt from yet;
* `scorer`: the scorers' loops: score a shard, evaluate beside it, report;
* `probe`: estimate |mu|^2 from a few examples, beside scoring;
* `evaluation`: measure loss and predictions of whole splits, batch by batch;
* `measures`: sums over the examples of a split, and error or RMSE from them;
* `best`: remember the parameters with the least validation loss, and when to stop early;
* `counters`: counts of a run, and rates between two of them;
* `co_trainers`, `sums`: take the same steps with several trainers;
* `feeder`: leave the steps to them, and draw ahead;
* `predictor`: an optional feature, to be skipped on first reading.
"""
