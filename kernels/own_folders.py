"""Decide which files and folders other users cannot have written, and make folders that they cannot.

On a shared machine another user may make what we are about to read: compiled code is run, converted data are believed.
Trusted is what belongs to this user or to root, and what no one else can write.
"""

import grp
import os
import pwd
import stat
from pathlib import Path

_ALL_USERS = 2**32 - 1  # ids that the map of a process outside of any container has


def why_distrust(status, above=False):
    """Return why a file or a folder may be another user's work, or None if it cannot be.

    Parameters
    ----------
    status : os.stat_result
    above : bool
        Whether it is a folder above the one in question: it may then have the sticky bit, as ``/tmp``, for others can
        neither rename nor remove in it what is not theirs.

    Returns
    -------
    str or None
        Such as ``belongs to user mallory``.
    """
    if status.st_uid not in {os.geteuid(), 0} and not (above and status.st_uid == _unmapped_user()):
        return f"belongs to user {_user_name(status.st_uid)}"
    if above and status.st_mode & stat.S_ISVTX:
        return None
    by_group = status.st_mode & stat.S_IWGRP and not _is_private_group(status.st_gid, status.st_uid)
    if by_group or status.st_mode & stat.S_IWOTH:
        return f"can be written by other users (mode {stat.S_IMODE(status.st_mode):o})"
    return None


def why_distrust_place(folder):
    """Return why other users may put things into a folder's place, or None: the folder and all above it are looked at.

    Parameters
    ----------
    folder : pathlib.Path
        Exists; links are followed.

    Returns
    -------
    str or None
        Names the folder.

    Raises
    ------
    OSError
    """
    folder = folder.resolve(strict=True)
    for place in (folder, *folder.parents):
        if reason := why_distrust(place.stat(), above=True):
            return f"{place} {reason}"
    return None


def make_folder(folder, mode=0o755):
    """Make a folder, and those above it, that other users cannot write, if they are missing.

    Raises
    ------
    OSError
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=mode, exist_ok=True)


def user_cache():
    """Return this user's folder for caches, ``$XDG_CACHE_HOME`` or ``~/.cache``; None without a home."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(named):
        return Path(named)
    home = os.path.expanduser("~")
    return Path(home) / ".cache" if os.path.isabs(home) else None


def _user_name(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _is_private_group(gid, uid):
    """Return whether a group is the one that many systems give to each user, with no other member."""
    try:
        group, name = grp.getgrgid(gid), pwd.getpwuid(uid).pw_name
    except KeyError:
        return False
    return group.gr_name == name and set(group.gr_mem) <= {name}


def _unmapped_user():
    """Return the id that a container without root shows for root and all other users outside; -1 elsewhere."""
    try:
        if int(Path("/proc/self/uid_map").read_text().split()[2]) == _ALL_USERS:
            return -1
        return int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError, IndexError):
        return -1
