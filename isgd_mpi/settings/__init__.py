"""Options of a run, and what every folder may import: errors, exit codes, states by declaration.

To read in this order:

* `config`: all options of a run, in one frozen dataclass;
* `sampling`: what each value of `--sampling` implies and excludes;
* `ranges`: declare an option with its range, check a value against it;
* `options`: read the options from the command line and from TOML files;
* `subjects`: the options by subject, and those that one needs first;
* `help`: the texts of ``--help`` and ``--help-all``;
* `keywords`: read the options from the keywords of :func:`isgd_mpi.fit`;
* `nearest`: find the name that was meant by an unknown one;
* `commands`: the frame of all commands but training;
* `errors`: bad input, and training that diverged;
* `exit_codes`: the exit codes of all commands;
* `uncaught`: one line for an error that nobody catches;
* `variables`: environment variables that libraries break on;
* `saved`: the state that a checkpoint keeps of an object, by the names of its attributes;
* `version`: the version of the package.
"""
