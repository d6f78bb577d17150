"""From scores to a proposal, from the proposal to minibatches and importance weights; and the gain of doing so.

To read in this order:

* `proposal`: turn scores into a proposal, draw minibatches from it, with their importance weights;
* `score_table`: keep the latest score of each example, and its age;
* `sampler`: the one door: learn from scores and minibatches, form the proposal, draw;
* `scored_weights`: form probability weights from the table: smoothing, power, missing scores;
* `live_weights`, `score_proposal`, `block_sums`: the usual case, in which a refresh costs what is new in it;
* `orders`: the orders that systematic sampling walks along;
* `weightings`: form them by methods of the literature;
* `mixture`: choose the uniform part of the proposal;
* `variance`: estimate the variance of the gradient under a proposal;
* `gain`: the gain of importance sampling, as figures;
* `switch`: switch importance sampling off where it does not pay;
* `label_noise`: suspect wrong labels among the examples with the largest scores;
* `alain2015`: the conventions of the code published with arXiv:1511.06481;
* `random_state`: random generators that a checkpoint can keep;
* `forecast`: forecast the speed of a job on more ranks;
* `division`: divide ranks into trainers and scorers by that forecast.
"""
