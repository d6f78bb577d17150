"""End a process with one line where nobody catches an error in the input."""

import sys
from functools import partial

from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import BAD_INPUT


def tell_if_uncaught(error, told=True):
    """Let an InputError that nobody catches end this process with exit code 2 and, if it is told here, one line.

    Parameters
    ----------
    error : InputError
        About to be raised.
    told : bool
        Whether this process prints the line: of ranks that all raise the same error, one is enough.

    Returns
    -------
    InputError
        The same.
    """
    error.told = told
    if not getattr(sys.excepthook, "tells_input_errors", False):
        sys.excepthook = partial(_tell, sys.excepthook)
        sys.excepthook.tells_input_errors = True
    return error


def _tell(otherwise, kind, value, trace):
    """Stand for ``sys.excepthook``."""
    if not issubclass(kind, InputError):
        otherwise(kind, value, trace)
        return
    if value.told:
        print(f"isgd_mpi: {value}", file=sys.stderr, flush=True)
    raise SystemExit(BAD_INPUT)
