"""The exit codes of all commands of the package."""

DONE = 0
FAILED = 1
BAD_INPUT = 2
"""The input is at fault: the same command would fail again."""

TRY_AGAIN = 75
"""Training stopped before its end and can be resumed; EX_TEMPFAIL of sysexits.h."""

INTERRUPTED = 130
"""Ctrl-C, as shells report it."""
