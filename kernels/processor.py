"""Read the processor's name, vendor and instruction sets from the system: Linux lists them in /proc/cpuinfo."""

import platform
from pathlib import Path
from typing import NamedTuple


class Processor(NamedTuple):
    """Name, vendor and instruction sets of a processor.

    Attributes
    ----------
    name : str
        Model name, for people.
    vendor : str
        Such as GenuineIntel or AuthenticAMD; empty if the system does not tell.
    flags : frozenset of str
        Instruction sets, such as avx512_bf16; empty if the system does not tell.
    """

    name: str
    vendor: str
    flags: frozenset


def this_processor():
    """Return the Processor of this machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    # reversed: each core has its block of lines, and of equal keys the first one shall stay
    fields = dict(map(str.strip, line.split(":", 1)) for line in reversed(lines) if ":" in line)
    name = fields.get("model name") or platform.processor() or platform.machine()
    return Processor(name, fields.get("vendor_id", ""), frozenset(fields.get("flags", "").split()))
