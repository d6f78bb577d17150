"""Find environment variables that libraries would break on, or misunderstand."""

_RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID")


def drop_numba_threads(environment):
    """Remove a number of threads that Numba could not be imported with; return a line about it for the user, or None.

    Parameters
    ----------
    environment : dict of str to str
        The process's, before Numba is imported. Kernels do not use Numba's threads, so none is missed.

    Returns
    -------
    str or None
        None also on all ranks but the first, by the launcher's variables: one line is enough.
    """
    given = environment.get("NUMBA_NUM_THREADS")
    if given is None or (given.strip().isdecimal() and int(given) > 0):
        return None
    del environment["NUMBA_NUM_THREADS"]
    if any(environment.get(name, "0") != "0" for name in _RANKS):
        return None
    return f"NUMBA_NUM_THREADS={given!r} is ignored: it must be a positive number; ranks have --threads instead"
