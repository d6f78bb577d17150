"""The one exception that means: the user's input is at fault, not the program."""


class InputError(Exception):
    """Bad usage or bad input, told in one line.

    The message names the value, the place and the way out. The command line prints it once,
    without a traceback, and every rank exits with code 2.
    """
