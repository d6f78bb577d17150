"""The two errors that a user may meet: bad input, and numbers that are not finite."""


class InputError(Exception):
    """Bad usage or bad input, told in one line.

    The message names the value, the place and the way out. The command line prints it once,
    without a traceback, and every rank exits with code 2.
    """


class Diverged(Exception):
    """Training met a number that is not finite; the message says where, and what to try."""
