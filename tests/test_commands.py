"""The commands that the pages for beginners show: each is one that there is, with options that there are."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from isgd_mpi.settings import commands, options
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.version import __version__

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "docs" / "start.md", ROOT / "docs" / "tutorial.md"]
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SBATCH = {"--account", "--cpus-per-task", "--nodes", "--ntasks", "--time"}
OF_ONE_FILE = {"isgd_mpi.fetch", "isgd_mpi.predict"}


def shown(page):
    """Return the commands of a page: the lines of its shell blocks, and in other blocks those after a prompt."""
    for language, block in BLOCK.findall(page.read_text()):
        lines = block.replace("\\\n", " ").splitlines()
        if language == "text":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        yield from (line for line in lines if shlex.split(line, comments=True))


ALL = [pytest.param(line, id=f"{page.stem}: {line}") for page in PAGES for line in shown(page)]


@pytest.mark.parametrize("line", ALL)
def test_command_is_one_that_there_is(line, monkeypatch):
    program, *arguments = shlex.split(line, comments=True)
    if program.endswith("mpirun"):
        assert arguments[0] == "-n" and int(arguments[1]) > 1
        program, *arguments = arguments[2:]
    program = program.removeprefix("env/bin/")
    if program == "source" or (program == "python3" and arguments[:2] == ["-m", "venv"]):
        return
    check = {"make": check_make, "pip": check_pip, "python": check_python, "sbatch": check_sbatch}[program]
    check(arguments, monkeypatch)


def check_make(arguments, _):
    targets = re.findall(r"^([a-z%-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [word for word in arguments if "=" not in word and word not in targets] == []


def check_pip(arguments, _):
    extras = re.findall(r"^(\w+) =$", (ROOT / "setup.cfg").read_text().partition("extras_require]")[2], re.MULTILINE)
    command, what = arguments
    name, chosen = re.fullmatch(r"(\.|isgd_mpi)\[([\w,]+)\]", what).groups()
    assert command == "install" and set(chosen.split(",")) <= set(extras)


def check_sbatch(arguments, monkeypatch):
    end = arguments.index("--")
    *given, script = arguments[:end]
    assert {word.partition("=")[0] for word in given} <= SBATCH and (ROOT / script).exists()
    check_python(["-m", "isgd_mpi", *arguments[end + 1 :]], monkeypatch)


def check_python(arguments, monkeypatch):
    """Let a program's own parser read its arguments; a script must be there."""
    if arguments[0] != "-m":
        assert (ROOT / arguments[0]).exists()
        return
    name, *arguments = arguments[1:]
    if name == "isgd_mpi":
        options.parse(of_no_run(arguments))
    elif arguments[0] in ("pays", "peers"):
        import_module(f"{name}.pays.main")._parse(arguments[1:], arguments[0])
    else:
        module = import_module(name if name in OF_ONE_FILE else f"{name}.__main__")
        place = commands if name == "isgd_mpi.experiment" else module
        monkeypatch.setattr(place, "run", lambda parser, *_: commands.parse(parser, arguments))
        module.main(arguments)


def of_no_run(arguments):
    """Return arguments without ``--resume RUN`` or ``--config FILE`` at their begin: the run is none of ours."""
    return arguments[2:] if arguments[:1] and arguments[0] in ("--resume", "--config") else arguments


PROGRAMS = ["__main__", "bench", "bench refresh", "experiment", "experiment pays"]
PROGRAMS += ["export", "fetch", "kernels.bench", "predict", "report"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_command_prints_the_version(program, capsys):
    name, *words = program.split()
    if name == "__main__":  # which starts MPI as it is imported
        main = options.parse
    else:
        main = import_module(f"isgd_mpi.{name}{'' if f'isgd_mpi.{name}' in OF_ONE_FILE else '.__main__'}").main
    try:
        assert main([*words, "--version"]) == 0
    except SystemExit as ended:
        assert not ended.code
    assert capsys.readouterr().out == f"isgd_mpi {__version__}\n"


def test_python_of_the_readme_runs(rng, capsys):
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    x = rng.standard_normal((60, 5))
    y = np.where(x[:, 0] > 0, "up", "down")
    exec(block, {"x": x, "y": y, "xv": x[:20], "yv": y[:20]})
    assert re.search(r"(up|down)", capsys.readouterr().out)


@pytest.mark.parametrize("wrong", ["mpirun -n 4 python -m isgd_mpi --epoch 3", "make runs", "sbatch --tasks=3 x -- "])
def test_wrong_commands_are_noticed(wrong, monkeypatch):
    with pytest.raises((AssertionError, InputError)):
        test_command_is_one_that_there_is(wrong, monkeypatch)
