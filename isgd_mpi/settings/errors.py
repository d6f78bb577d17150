"""The two errors that a user may meet: bad input, and numbers that are not finite."""


class InputError(Exception):
    """Bad usage or bad input, told in one line.

    The message names the value, the place and the way out. The command line prints it once,
    without a traceback, and every rank exits with code 2.

    Attributes
    ----------
    everywhere : bool
        Whether all ranks raise it at once, so that none waits for another.
    told : bool
        Whether this process tells the user of it, if nobody catches it.
    """

    told = True

    def __init__(self, message, everywhere=False):
        super().__init__(message)
        self.everywhere = everywhere


class Diverged(Exception):
    """Training met a number that is not finite; the message says where, and what to try."""
