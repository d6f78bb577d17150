"""Tests of ``python -m isgd_mpi.export``: other programs predict from the files what we predict."""

import csv
import json
import sys

import numpy as np
import pytest

from isgd_mpi.data.tables.encoding import Column, Encoding
from isgd_mpi.data.target import Target
from isgd_mpi.export import __main__ as export
from isgd_mpi.model.params import initial_params, n_parameters
from isgd_mpi.model.trained import Learned, TrainedMLP

TARGETS = {
    "classes": Target("classes", 4),
    "words": Target("classes", 3, ("no", "perhaps", "yes")),
    "integers": Target("classes", 3, ("-1", "5", "7"), type="int64"),
    "label": Target("labels", 1, ("False", "True"), type="bool"),
    "labels": Target("labels", 3, ("wet", "cold", "dark")),
    "number": Target("numbers", 1, ("length",), (300.0,), (20.0,)),
    "numbers": Target("numbers", 2, ("a", "b"), (1.0, 2.0), (0.1, 50.0)),
}

for_each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
for_each_precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def make_model(target, rng, dtype=np.float32, table=""):
    """Return a model of random parameters; its first feature varies little beside its mean."""
    widths = (5, 7, 6, target.n_outputs)
    mean, inverse_std = np.array([1e6, 0, 1, 2, 3], dtype), np.array([10, 1, 1, 1, 0], dtype)
    learned = Learned(initial_params(widths, "he", rng), mean, inverse_std, 9, table, target.to_json())
    return TrainedMLP(learned, widths)


def raw_features(model, rng, n=300):
    """Return features of the size that a model was trained on."""
    spread = 1 / np.where(model.inverse_std, model.inverse_std, 1)
    return (rng.standard_normal((n, model.mean.size)) * spread + model.mean).astype(model.mean.dtype)


@pytest.fixture
def exported(tmp_path):
    """Return a function that exports a model, and returns the path of the file."""

    def run_command(model, name):
        model.save(tmp_path / "model.npz")
        assert export.main([str(tmp_path), "--format", name]) == 0
        return tmp_path / f"model.{name}"

    return run_command


def hold_against(model, x, answers):
    """Compare what another program predicts with what the model predicts."""
    expected = model.predict(x)
    if model.target.kind == "numbers":
        np.testing.assert_allclose(answers["numbers"], expected.reshape(len(x), -1), rtol=1e-5, atol=1e-5)
        return
    name = "label" if model.target.n_classes else "labels"
    np.testing.assert_array_equal(answers[name].astype(expected.dtype), expected)
    np.testing.assert_allclose(answers["probabilities"], model.predict_probabilities(x), rtol=1e-4, atol=1e-6)


@for_each_target
@for_each_precision
def test_onnxruntime_predicts_the_same_from_raw_features(exported, rng, target, dtype):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = make_model(target, rng, dtype)
    session = onnxruntime.InferenceSession(exported(model, "onnx"), providers=["CPUExecutionProvider"])
    x = raw_features(model, rng)
    names = [output.name for output in session.get_outputs()]
    hold_against(model, x, dict(zip(names, session.run(None, {"features": x}))))
    texts = session.get_modelmeta().custom_metadata_map
    assert json.loads(texts["classes"]) == [str(name) for name in model.classes]
    assert Target.from_dict(json.loads(texts["target"])) == target and texts["step"] == "9"


def predict_with_numpy(tensors, x):
    """Return the outputs of the last layer, as the page on exports says that they follow from the tensors."""
    h, k = ((x - tensors["mean"]) * tensors["inverse_std"]).astype(np.float32), 0
    while f"net.{k}.weight" in tensors:
        h = np.maximum(h, 0) if k else h
        h = h @ tensors[f"net.{k}.weight"].T + tensors[f"net.{k}.bias"]
        k += 2
    return h


def answers_from(z, target, tensors):
    """Return what users want to know, from the outputs of the last layer."""
    if target.kind == "numbers":
        return {"numbers": z * tensors["target_scale"] + tensors["target_mean"]}
    if target.kind == "classes":
        exponentials = np.exp(z - z.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        return {"probabilities": probabilities, "label": target.classes[z.argmax(axis=1)]}
    holds, probabilities = (z > 0).astype(np.int64), 1 / (1 + np.exp(-z))
    if target.n_classes:
        return {"probabilities": np.hstack([1 - probabilities, probabilities]), "label": target.classes[holds[:, 0]]}
    return {"probabilities": probabilities, "labels": holds}


@for_each_target
@for_each_precision
def test_safetensors_hold_the_net_its_standardisation_and_its_target(exported, rng, target, dtype):
    pytest.importorskip("safetensors")
    from safetensors import safe_open

    model = make_model(target, rng, dtype)
    with safe_open(exported(model, "safetensors"), framework="numpy") as file:
        tensors, texts = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    x = raw_features(model, rng)
    found = Target.from_dict(json.loads(texts["target"]))
    hold_against(model, x, answers_from(predict_with_numpy(tensors, x), found, tensors))


def test_pytorch_loads_the_tensors_and_predicts_the_same(exported, rng):
    torch, tensors = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")

    class Net(torch.nn.Module):
        def __init__(self, widths):
            super().__init__()
            layers = [torch.nn.Linear(*pair) for pair in zip(widths, widths[1:])]
            self.net = torch.nn.Sequential(*[part for one in layers for part in (one, torch.nn.ReLU())][:-1])
            self.register_buffer("mean", torch.zeros(widths[0]))
            self.register_buffer("inverse_std", torch.zeros(widths[0]))

        def forward(self, x):
            return self.net((x - self.mean) * self.inverse_std)

    model = make_model(TARGETS["words"], rng)
    net = Net(model.widths)
    net.load_state_dict(tensors.load_file(exported(model, "safetensors")))
    x = raw_features(model, rng)
    z = net(torch.from_numpy(x)).detach().numpy()
    hold_against(model, x, answers_from(z, model.target, {}))


@pytest.mark.parametrize("name", ["onnx", "safetensors"])
def test_the_encoding_of_a_table_is_in_the_file(exported, rng, name):
    onnx, safetensors = pytest.importorskip("onnx"), pytest.importorskip("safetensors")
    encoding = Encoding(
        ["y"], [Column("size", None, 2.5, True), Column("colour", ["blue", "red"], 0.0, True)], ["same"]
    )
    path = exported(make_model(TARGETS["words"], rng, table=json.dumps(encoding.to_dict())), name)
    if name == "onnx":
        texts = {one.key: one.value for one in onnx.load(path).metadata_props}
    else:
        with safetensors.safe_open(path, framework="numpy") as file:
            texts = file.metadata()
    assert json.loads(texts["features"]) == encoding.feature_names
    assert [Column(**column) for column in json.loads(texts["columns"])] == encoding.columns


def test_the_best_model_is_exported_if_asked_for(tmp_path, rng, capsys):
    pytest.importorskip("safetensors")
    make_model(TARGETS["words"], rng).save(tmp_path / "model.npz")
    command = [str(tmp_path), "--format", "safetensors", "--model", "best"]
    assert export.main(command) == 2
    assert "best.npz is not there: without a validation set" in capsys.readouterr().err
    make_model(TARGETS["words"], rng).save(tmp_path / "best.npz")
    assert export.main(command) == 0 and (tmp_path / "best.safetensors").exists()
    assert export.main([str(tmp_path / "best.npz"), *command[1:]]) == 2
    assert "--model best needs the folder of a run" in capsys.readouterr().err


def test_nothing_is_overwritten(tmp_path, rng, capsys):
    pytest.importorskip("onnx")
    make_model(TARGETS["words"], rng).save(tmp_path / "model.npz")
    (tmp_path / "mine").write_text("mine")
    assert export.main([str(tmp_path / "model.npz"), "--format", "onnx", "--out", str(tmp_path / "mine")]) == 2
    assert "mine is there already, and is not overwritten" in capsys.readouterr().err
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_model_of_the_users_own_is_refused(tmp_path, capsys):
    params = np.zeros(n_parameters((2, 2)), np.float32)
    identity = {"n_classes": 2, "step": 1, "mean": np.zeros(2), "inverse_std": np.ones(2)}
    np.savez(tmp_path / "model.npz", params=params, **identity)
    assert export.main([str(tmp_path), "--format", "onnx"]) == 2
    told = capsys.readouterr().err
    assert "a model of your own" in told and told.count("\n") == 1


def test_without_a_format_a_line_names_them(capsys):
    assert export.main(["run"]) == 2
    assert capsys.readouterr().err == "isgd_mpi: missing: --format onnx|safetensors|csv; see --help\n"


@pytest.mark.parametrize("name", ["onnx", "safetensors"])
def test_a_missing_library_is_told_with_the_command_that_installs_it(tmp_path, rng, capsys, monkeypatch, name):
    for module in (name, f"{name}.numpy"):
        monkeypatch.setitem(sys.modules, module, None)
    make_model(TARGETS["words"], rng).save(tmp_path / "model.npz")
    assert export.main([str(tmp_path), "--format", name]) == 2
    assert capsys.readouterr().err == (
        f'isgd_mpi: --format {name} needs the library {name}: pip install "isgd_mpi[export]"\n'
    )


METRICS = [
    {"kind": "event", "step": 0, "seconds": 0.5, "message": 'a "quoted", word'},
    {"kind": "refresh", "step": 32, "seconds": 1.0, "variance_gain": None, "importance_sampling": False},
    {"kind": "refresh", "step": 64, "seconds": 1.5, "variance_gain": 2.5, "importance_sampling": True, "more": 1},
]


def write_metrics(folder, lines=METRICS):
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"kind": "ev')


def test_metrics_become_a_table_for_each_kind_of_line(tmp_path, capsys):
    write_metrics(tmp_path)
    assert export.main([str(tmp_path), "--format", "csv"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/csv/event.csv\n{tmp_path}/csv/refresh.csv\n"
    event, *_ = csv.DictReader((tmp_path / "csv" / "event.csv").read_text().splitlines())
    assert event["message"] == METRICS[0]["message"]
    assert list(csv.DictReader((tmp_path / "csv" / "refresh.csv").read_text().splitlines())) == [
        {"step": "32", "seconds": "1.0", "variance_gain": "", "importance_sampling": "false", "more": ""},
        {"step": "64", "seconds": "1.5", "variance_gain": "2.5", "importance_sampling": "true", "more": "1"},
    ]


def test_metrics_load_with_one_line_of_pandas(tmp_path):
    pandas = pytest.importorskip("pandas")
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in METRICS))
    frame = pandas.read_json(tmp_path / "metrics.jsonl", lines=True).query("kind == 'refresh'")
    assert frame["variance_gain"].tolist()[1] == 2.5 and frame["step"].tolist() == [32, 64]


@pytest.mark.parametrize(
    ("line", "arguments", "problem"),
    [
        ({"kind": "../../other"}, [], "has a line of kind '../../other'"),
        ({}, [], "has a line of kind ''"),
        (METRICS[0], ["--model", "best"], "csv is of the metrics: leave it out"),
        (METRICS[0], ["--out", "metrics.jsonl"], "is no folder, and the metrics are several files"),
    ],
)
def test_metrics_that_make_no_sense_are_refused(tmp_path, capsys, monkeypatch, line, arguments, problem):
    monkeypatch.chdir(tmp_path)
    write_metrics(tmp_path, [line])
    assert export.main([".", "--format", "csv", *arguments]) == 2
    assert problem in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]
