"""The tutorial's commands, one after the other as a reader types them, with fewer steps; they print what it shows."""

import re
import shlex
import sys
from pathlib import Path

import pytest
from launch import ENVIRONMENT, MPIRUN
from processes import run_to_end

pytestmark = pytest.mark.slow
pytest.importorskip("pyarrow")
pytest.importorskip("matplotlib")
pandas = pytest.importorskip("pandas")
pytest.importorskip("onnx")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text()
SHOWN = re.compile(r"^```(?:sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IN_A_SHELL = ("make", "source", "pip")  # they make the environment, which tests have
FORECAST = """
import sys
from isgd_mpi.experiment.__main__ import main
from isgd_mpi.experiment.pays import forecast
forecast._SECONDS = 2.0
sys.exit(main())
"""


def steps():
    """Return the commands that the page shows, each with the lines that it shows below."""
    for block in SHOWN.findall(PAGE):
        has_output = block.startswith("$ ")
        parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:] if has_output else block.splitlines()
        for part in parts:
            command, _, output = part.partition("\n")
            yield shlex.split(command), output


def as_run(words):
    """Return a command as the test runs it: with our programs, and in less time."""
    if words[:3] == ["mpirun", "-n", "2"]:
        return [MPIRUN, "-n", 2, sys.executable, *words[4:], "--steps", 600]
    if "--quick" in words:
        return [sys.executable, "-c", FORECAST, *words[3:]]
    if "pays" in words:
        return [sys.executable, *words[1:], "--dry-run"]
    return [sys.executable, *(ROOT / word if word.startswith("docs/") else word for word in words[1:])]


def labels(output):
    """Return the words that lines begin with; of lines of a table their shape."""
    return {re.sub(r"\d+", "0", line.split()[0]) for line in output.splitlines() if line[:1].strip()} - {"..."}


def fixed(output):
    """Return the lines that are the same on every machine."""
    return re.findall(r"^(?:data|features|model) .*\n(?: .*\n)*", output, re.MULTILINE)


def test_the_tutorial_does_what_it_says(tmp_path):
    for words, shown in steps():
        if words[0] in IN_A_SHELL:
            continue
        done = run_to_end(as_run(words), env=ENVIRONMENT, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert labels(shown) <= labels(done.stdout), (words, done.stdout)
        assert set(fixed(shown)) <= set(fixed(done.stdout))
    answers, new = pandas.read_csv(tmp_path / "answers.csv"), pandas.read_csv(tmp_path / "new.csv")
    assert len(answers) == len(new) == 200 and (tmp_path / "runs/digits/best.onnx").exists()
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {"frame": new}
    done_in(tmp_path, block, names)
    assert list(names["words"]) == answers["prediction"].tolist()


def done_in(folder, block, names):
    """Run lines of Python in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(block, names)
