"""The files that a run leaves behind, and its lines on the terminal.

To read in this order:

* `opening`: the lines at the start, and notes on what has no effect;
* `log`: the run's folder, its metrics, progress on the terminal;
* `metrics_file`: lines that wait in memory while the disk does not take them;
* `event_file`: their numbers for TensorBoard;
* `checkpoints`: save the state at intervals, beside training;
* `checkpoint_file`: the format of a checkpoint, with a checksum;
* `best_file`: write the best model, beside training;
* `summary`: totals, the verdict in plain words, and the files at the end of a run;
* `held_out`: the verdict's lines on held-out data, overfitting and relapses;
* `idle_options`: find options that can never take effect;
* `next_steps`: the commands to type after a run;
* `words`: counts, figures with their uncertainty, aligned lines;
* `environment`: versions, hosts, threads and processor.
"""
