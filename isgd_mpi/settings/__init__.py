"""Options of a run, and what every folder may import: errors, exit codes, states by declaration.

In the order to read them:

* :mod:`~isgd_mpi.settings.config`: all options of a run, in one frozen dataclass
* :mod:`~isgd_mpi.settings.ranges`: declare an option with its range, check a value against it
* :mod:`~isgd_mpi.settings.options`: read the options from the command line and from TOML files
* :mod:`~isgd_mpi.settings.keywords`: read the options from the keywords of :func:`isgd_mpi.fit`
* :mod:`~isgd_mpi.settings.commands`: the frame of all commands but training
* :mod:`~isgd_mpi.settings.errors`: bad input, and training that diverged
* :mod:`~isgd_mpi.settings.exit_codes`: the exit codes of all commands
* :mod:`~isgd_mpi.settings.saved`: the state that a checkpoint keeps of an object, by the names of its attributes
* :mod:`~isgd_mpi.settings.version`: the version of the package
"""
