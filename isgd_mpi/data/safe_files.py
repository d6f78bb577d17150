"""Open files where other users may have left links, pipes or files of their own."""

import errno
import fcntl
import os
import stat

from isgd_mpi.kernels.own_folders import why_distrust
from isgd_mpi.settings.errors import InputError

_NO_DAMAGE = {errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG}
_NO_DAMAGE |= {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE}
_SAFELY = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # opening a pipe or a device neither waits nor does anything


def open_regular(path):
    """Open a file for reading, in binary; links are followed.

    Raises
    ------
    InputError
        It is a pipe, a device or anything else that is no regular file: reading it might never end.
    OSError
    """
    return open(path, "rb", opener=_regular)


def _regular(path, flags):
    descriptor = os.open(path, flags | _SAFELY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{path} is not a regular file: name one")
    return descriptor


def open_own(path, flags=os.O_RDONLY, mode="rb", buffering=0):
    """Open a regular file, not through a link, for what `flags` and `mode` say.

    Parameters
    ----------
    path : str or pathlib.Path
    flags : int
        Of ``os.open``; a file that is made gets mode 644 or less.
    mode : str
    buffering : int
        Of ``open``.

    Raises
    ------
    InputError
        It is a link or no regular file.
    OSError
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | _SAFELY, 0o644)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):  # a link; a pipe that no one reads
            raise
        raise InputError(f"{path} is a link or a pipe, not a regular file: remove it") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{path} is not a regular file: remove it")
    return open(descriptor, mode, buffering)


def open_trusted(path):
    """Open a file for reading that only this user or root can have written; not through a link.

    Raises
    ------
    InputError
        It may be another user's work, or is no regular file.
    OSError
    """
    file = open_own(path)
    if reason := why_distrust(os.fstat(file.fileno())):
        file.close()
        raise InputError(f"{path} {reason}, and is not trusted: remove it")
    return file


def create(path):
    """Create a file for writing, in binary; what had this name is removed, a link as such.

    Raises
    ------
    OSError
    """
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return open(os.open(path, flags, 0o666), "wb")


def lock(file, shared=False):
    """Lock an open file without waiting, until it and all maps of it are closed.

    Returns
    -------
    bool or None
        Whether it is locked now; None where the file system has no locks.
    """
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def in_use(path):
    """Return whether another process has locked a file, or may have: not all file systems tell."""
    try:
        with open_own(path, os.O_RDWR) as file:
            return not lock(file)
    except FileNotFoundError:
        return False
    except (OSError, InputError):
        return True


def is_no_damage(error):
    """Return whether an exception is the system's refusal, such as too many open files, rather than a damaged file."""
    return isinstance(error, OSError) and error.errno in _NO_DAMAGE
