"""The options by subject, as ``--help`` and ``--help-all`` list them, and what stands for the value of each."""

SUBJECTS = {
    "Data and targets": (
        *("data", "target", "test", "valid", "weight", "class_weight", "data_dir", "synthetic_size"),
        *("standardize", "loss"),
    ),
    "Model": ("hidden", "init"),
    "Optimiser": (
        *("optimizer", "lr", "lr_schedule", "lr_scaling", "momentum", "weight_decay", "clip_norm"),
        "minibatch_size",
    ),
    "Length of the run and evaluation": ("steps", "epochs", "seconds", "eval_every", "patience", "best_by"),
    "Importance sampling": (
        *("score", "predictor", "sampling", "reference_model", "mixture", "smoothing"),
        *("adaptive_smoothing", "power_smoothing"),
        *("bias_exponent", "max_staleness", "uniform_probability", "usable_fraction", "feedback", "switch", "compat"),
    ),
    "Ranks and exchange": (
        *("trainers", "feeder", "threads", "schedule", "refresh_every", "score_batch_size", "score_precision"),
        *("train_precision", "scorer_timeout"),
    ),
    "Run folder and resume": ("run_dir", "resume", "checkpoint_every", "save_scores", "tensorboard", "seed", "quiet"),
}
"""For each subject its options, in the order in which they are listed."""

FIRST = {
    "data": "mnist10k (bundled images of digits), mnist, cifar10, svhn, synthetic, or a file of yours: "
    ".csv, .csv.gz, .parquet, .npz, .npy, .h5 (default: mnist10k)",
    "target": "column of a table to predict; several with commas (default: the last one)",
    "hidden": "widths of the hidden layers (default: 512 512)",
    "lr": "learning rate (default: 0.1; 0.01 to predict numbers)",
    "minibatch_size": "examples in a step (default: 128)",
    "epochs": "passes over the training set (default: 5; of a table at least 3000 steps)",
    "score": "grad-norm (norm of the example's gradient: the default), grad-bound or loss (cheaper), or uniform "
    "(plain SGD, to compare with)",
    "trainers": "ranks that train; the others score (default: the program chooses)",
    "run_dir": "folder to write to (default: a new one in runs/)",
    "resume": "go on with a run that was stopped",
}
"""The options that one needs first, with what they mean in a few words."""

PLACEHOLDERS = {
    "reference_model": "FILE",
    "data": "NAME|FILE",
    "target": "COLUMN",
    "test": "SHARE|FILE",
    "valid": "SHARE|FILE",
    "weight": "COLUMN",
    "class_weight": "balanced|FILE",
    "data_dir": "DIR",
    "hidden": "N",
    "init": "he|SD|RUN",
    "run_dir": "DIR",
    "resume": "RUN",
}
"""What stands for the value of an option that is neither a number nor one of several words."""
