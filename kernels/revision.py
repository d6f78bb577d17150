"""Read the git revision that the code is of."""

import subprocess
from pathlib import Path


def git_revision():
    """Return the revision of the code's git checkout, with ``+`` if files were changed; None without a checkout."""
    git = ["git", "-C", str(Path(__file__).resolve().parent)]
    ours = [*git, "ls-files", "--error-unmatch", Path(__file__).name]  # not just installed inside some checkout
    describe = [*git, "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        subprocess.run(ours, capture_output=True, timeout=5, check=True)
        return subprocess.run(describe, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
