"""Read how much memory and how many cores this process may use: of the machine, its control groups, and ulimit.

Containers and batch systems give a job a part of its node by control groups (cgroups), of version 1 or 2. Processes in
one group share its limit: so each limit has a key that is the same for all processes that share it.
"""

import os
import resource
from pathlib import Path

_SELF = Path("/proc/self")
MACHINE = ("machine",)
"""Key of the limit that all processes of a machine share."""


def memory_limits(process=_SELF):
    """Return the limits of memory in bytes, by the key of the group of processes that share each: dict.

    Parameters
    ----------
    process : pathlib.Path
        The process's folder in /proc.
    """
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {MACHINE: physical} | _limits("memory", process, _memory_of)


def core_limits(process=_SELF):
    """Return the limits of processor time in cores, by the key of the group of processes that share each: dict."""
    return _limits("cpu", process, _cores_of)


def free_address_space():
    """Return the bytes that this process may still allocate by ``ulimit -v``; infinity without such a limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return float("inf")
    used_pages = int(Path("/proc/self/statm").read_text().split()[0])
    return max(0, limit - used_pages * os.sysconf("SC_PAGE_SIZE"))


def usable_memory():
    """Return the bytes that this process may use at most, by all limits."""
    return min(free_address_space(), *memory_limits().values())


def _limits(controller, process, read):
    """Return the limit of each group that a process is in, by device and number of the group's folder."""
    found = {}
    for folder in _groups(controller, process):
        try:
            status, amount = folder.stat(), read(folder)
        except (OSError, ValueError, IndexError):
            continue
        if amount is not None:
            found[status.st_dev, status.st_ino] = amount
    return found


def _groups(controller, process):
    """Yield the folders of a process's groups for a controller, innermost first."""
    try:
        own = _own_groups((process / "cgroup").read_text(), controller)
        mounts = (process / "mountinfo").read_text().splitlines()
    except OSError:
        return
    for line in mounts:
        before, _, after = line.partition(" - ")
        (root, mount), kind, options = before.split()[3:5], after.split()[0], after.split()[-1].split(",")
        path = own.get("" if kind == "cgroup2" else controller if kind == "cgroup" and controller in options else None)
        if path is not None:
            inside = path.removeprefix(root.rstrip("/")) if path.startswith(root.rstrip("/") + "/") else ""
            folder = Path(mount, inside.lstrip("/"))
            yield folder
            yield from (above for above in folder.parents if above.is_relative_to(mount))


def _own_groups(text, controller):
    """Return a process's group in version 1, by the controller, and in version 2, by the empty text."""
    rows = (line.split(":", 2) for line in text.splitlines())
    return {name: path for _, names, path in rows for name in names.split(",") if name in ("", controller)}


def _memory_of(folder):
    return _number(folder, "memory.max", "memory.limit_in_bytes")


def _cores_of(folder):
    """Return the cores' time that a group may use, or None: time in each period, over the period."""
    if (folder / "cpu.max").exists():
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    quota = _number(folder, "cpu.cfs_quota_us")
    return quota and quota / int((folder / "cpu.cfs_period_us").read_text())


def _number(folder, *names):
    """Return the number in the first of these files that exists; None if it is no limit, or none exists."""
    for name in names:
        if (folder / name).exists():
            text = (folder / name).read_text().strip()
            return int(text) if text.isdigit() else None
    return None
