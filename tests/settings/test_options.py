import json
import sys
from dataclasses import fields, replace
from types import NoneType
from typing import Literal, get_args, get_origin

import pytest

from isgd_mpi.settings.config import Config, option
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.options import parse, to_toml
from isgd_mpi.settings.subjects import FIRST, SUBJECTS

TYPES = {item.name: item.type for item in fields(Config)}
OF_TYPE = {int: [7], float: [0.25], bool: [True, False], str: ["/some.npz"]}


def values_of(annotation):
    """Return some valid values of a field's type."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if get_origin(annotation) is list:
        return [[3], [4, 5, 6], []]
    if annotation in OF_TYPE:
        return OF_TYPE[annotation]
    return [value for kind in get_args(annotation) if kind is not NoneType for value in values_of(kind)]


def words_of(value):
    """Return a value as words of the command line."""
    if isinstance(value, list):
        return [str(item) for item in value]
    return [str(value).lower() if isinstance(value, bool) else str(value)]


def is_parsed_from_text(annotation, kinds):
    return annotation in kinds or (get_origin(annotation) is not Literal and set(kinds) & set(get_args(annotation)))


SETTINGS = [
    (name, value)
    for name, annotation in TYPES.items()
    for value in values_of(annotation)
    if name != "resume"  # names a run: see test_resume.py
]
NUMBERS = [
    name
    for name, annotation in TYPES.items()
    if is_parsed_from_text(annotation, (int, float)) and str not in get_args(annotation)  # which may name a file
]
INTEGERS = [name for name, annotation in TYPES.items() if is_parsed_from_text(annotation, (int,))]
CHOICES = [name for name, annotation in TYPES.items() if get_origin(annotation) is Literal]
BOOLEANS = [name for name, annotation in TYPES.items() if annotation is bool]


@pytest.fixture
def toml(tmp_path):
    """Return a function that writes a TOML file and returns its path."""

    def write(text):
        path = tmp_path / "options.toml"
        path.write_text(text)
        return str(path)

    return write


def message_of(argv):
    """Return the one line that refuses these arguments."""
    with pytest.raises(InputError) as caught:
        parse(argv)
    message = str(caught.value)
    assert message and "\n" not in message and "Traceback" not in message
    return message


def test_without_arguments_all_is_default():
    assert parse([]) == Config()


def test_arguments_are_those_of_the_process_unless_given(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["isgd_mpi", "--lr", "0.5"])
    assert parse() == Config(lr=0.5)


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_every_option_is_parsed(name, value):
    assert parse([option(name), *words_of(value)]) == Config(**{name: value})


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_every_option_is_read_from_toml(name, value, toml):
    assert parse(["--config", toml(f"{name} = {json.dumps(value)}\n")]) == Config(**{name: value})


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_what_is_written_is_what_is_read(name, value, toml):
    config = Config(**{name: value})
    assert parse(["--config", toml(to_toml(config))]) == replace(config.with_limit(), run_dir=None)


def test_a_limit_on_the_command_line_replaces_the_one_in_the_file(toml):
    path = toml("steps = 7\n")
    assert parse(["--config", path]) == Config(steps=7)
    assert parse(["--config", path, "--seconds", "3"]) == Config(seconds=3.0)
    assert parse(["--epochs=2", "--config", path]) == Config(epochs=2.0)


@pytest.mark.parametrize("name", BOOLEANS)
def test_flags_may_stand_alone(name):
    assert parse([option(name)]) == Config(**{name: True})
    assert parse([option("no_" + name)]) == Config(**{name: False})


def test_the_command_line_wins(toml):
    path = toml("lr = 0.5\nmomentum = 0.5\nhidden = [3]\n")
    assert parse(["--config", path, "--lr", "0.25", "--hidden", "4"]) == Config(lr=0.25, momentum=0.5, hidden=[4])


def test_the_command_line_wins_in_any_order(toml):
    assert parse(["--lr", "0.25", "--config", toml("lr = 0.5\n")]) == Config(lr=0.25)


def test_an_integer_will_do_for_a_float(toml):
    config = parse(["--config", toml("lr = 1\n")])
    assert config == Config(lr=1.0) and isinstance(config.lr, float)


@pytest.mark.parametrize("name", NUMBERS)
def test_words_are_no_numbers(name):
    message = message_of([option(name), "x"])
    assert option(name) in message and "'x'" in message


@pytest.mark.parametrize("name", INTEGERS)
def test_fractions_are_no_integers(name):
    message = message_of([option(name), "1.5"])
    assert option(name) in message and "'1.5'" in message


@pytest.mark.parametrize("name", CHOICES)
def test_other_choices_are_refused_and_the_choices_told(name):
    message = message_of([option(name), "bogus"])
    assert option(name) in message and "'bogus'" in message
    assert all(choice in message for choice in get_args(TYPES[name]))


@pytest.mark.parametrize("name", BOOLEANS)
def test_flags_are_true_or_false(name):
    message = message_of([option(name), "maybe"])
    assert option(name) in message and "'maybe'" in message


@pytest.mark.parametrize("name", [name for name, annotation in TYPES.items() if annotation not in (bool, list[int])])
def test_an_option_without_its_value_is_refused(name):
    assert option(name) in message_of([option(name)])


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["--steps", "0"], "--steps"),
        (["--lr", "nan"], "--lr"),
        (["--mixture", "2"], "--mixture"),
        (["--hidden", "5", "-1"], "--hidden"),
        (["--steps", "5", "--seconds", "5"], "--seconds"),
        (["--stepz", "5"], "unknown option --stepz: did you mean --steps?"),
        (["--step=5"], "unknown option --step: did you mean --steps?"),
        (["--batch-size", "5"], "did you mean --minibatch-size?"),
        (["--qwertz", "5"], "unknown option --qwertz; see --help"),
        (["stray"], "stray"),
        (["--config", "missing.toml"], "missing.toml"),
        (["--config=missing.toml"], "missing.toml"),
        (["--config"], "--config"),
        (["--config", "."], "--config"),
    ],
)
def test_bad_usage_is_named(argv, named):
    assert named in message_of(argv)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("stepz = 5\n", "did you mean steps?"),
        ("qwertz = 5\n", "misspelt, or of another version"),
        ("[steps]\nn = 5\n", "steps"),
        ('steps = "many"\n', "--steps"),
        ("steps = true\n", "--steps"),
        ("lr = -1.0\n", "--lr"),
        ('schedule = "lazy"\n', "schedule"),
        ("lr = = 3\n", "line 1"),
    ],
)
def test_bad_files_are_told_of(text, named, toml):
    assert named in message_of(["--config", toml(text)])


def test_a_fault_is_told_with_the_file_unless_it_is_on_the_command_line(toml):
    path = toml('standardize = "auuo"\n')
    assert message_of(["--config", path]).startswith(f"{path}: ")
    assert "toml" not in message_of(["--config", toml("steps = 5\n"), "--standardize", "auuo"])


@pytest.mark.parametrize("argv", [["--hidden", "64,32"], ["--hidden=64,32"], ["--hidden", "64,", "32"]])
def test_widths_may_be_separated_by_commas(argv):
    config = parse([*argv, "--steps", "5"])
    assert (config.hidden, config.steps) == ([64, 32], 5)


def test_paths_of_data_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = parse(["--data", "a/b.npz", "--data-dir", ".."])
    assert (config.data, config.data_dir) == (str(tmp_path / "a/b.npz"), str(tmp_path.parent))
    assert parse(["--data", "mnist"]).data == "mnist"
    paths, words = parse(["--class-weight", "w.json", "--init", "run"]), parse(["--class-weight", "balanced"])
    assert (paths.class_weight, paths.init) == (str(tmp_path / "w.json"), str(tmp_path / "run"))
    assert (words.class_weight, words.init) == ("balanced", "he")


def test_a_number_where_a_list_is_wanted_is_told_of(toml):
    assert "hidden" in message_of(["--config", toml("hidden = 5\n")])


def test_a_file_that_is_no_text_is_told_of(tmp_path):
    path = tmp_path / "options.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "options.toml" in message_of(["--config", str(path)])


@pytest.mark.parametrize("name", [*TYPES, "config"])
def test_help_mentions_every_option_and_its_meaning(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit) as ended:
        parse(["--help-all"])
    assert ended.value.code in (None, 0)
    text = " ".join(capsys.readouterr().out.split())
    assert option(name) in text
    meanings = {item.name: item.metadata["help"] for item in fields(Config)}
    assert meanings.get(name, "the command line wins") in text


def test_every_option_has_one_subject():
    assert sorted(name for names in SUBJECTS.values() for name in names) == sorted(TYPES)


def test_help_is_one_screen_with_the_ten_options_that_one_needs_first(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        parse(["--help"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 45 and max(map(len, lines)) <= 100
    listed = {line.split()[0] for line in lines if line.startswith("  --")}
    assert len(FIRST) == 10 and listed == {*map(option, FIRST), "--help-all", "--version"}


def test_the_run_directory_is_not_repeated():
    assert "run_dir" not in to_toml(Config(run_dir="here"))


def test_options_that_said_nothing_of_a_run_are_left_out_of_its_file():
    text = to_toml(Config(data="arrays"), unused=("hidden", "init"))
    assert "hidden" not in text and "init" not in text and "refresh_every = 32" in text


@pytest.mark.parametrize("folder", [".", "missing", "missing/too"])
def test_a_folder_without_a_run_is_not_resumed(tmp_path, folder):
    told = message_of(["--resume", str(tmp_path / folder)])
    assert told == f"--resume {tmp_path / folder}: there is no run with a config.toml: name the folder of one"
