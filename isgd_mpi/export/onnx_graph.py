"""Write a trained model as an ONNX graph, from raw features to probabilities, and to classes, labels or numbers."""

import numpy as np

from isgd_mpi.export.description import describe, missing_library
from isgd_mpi.model.params import layer_views

_OPSET, _IR_VERSION = 17, 8  # of 2022: runtimes of that year, too, read the file


def onnx_bytes(model):
    """Return a model as the content of an ONNX file.

    Parameters
    ----------
    model : isgd_mpi.model.trained.TrainedMLP

    Returns
    -------
    bytes
        Of a graph with the input ``features``, (N, n_features) in the precision that the training data had, and the
        outputs ``probabilities``, (N, K) of float32, and ``label``, (N,) in the type of the user's classes, or
        ``labels``, (N, K) of int64; or ``numbers``, (N, K) of float64 in the target's units.

    Raises
    ------
    InputError
        The library is not installed.
    """
    try:
        import onnx
    except ImportError:
        raise missing_library("onnx") from None
    graph = _Graph(onnx)
    _add_outputs(graph, model, _add_layers(graph, model))
    return graph.finished(model, describe(model)).SerializeToString()


class _Graph:
    """A graph that grows node by node; values are known by their names."""

    def __init__(self, onnx):
        self._onnx = onnx
        self._nodes, self._constants, self._outputs = [], [], []

    def add(self, operator, *inputs, name=None, **attributes):
        """Add a node, whose inputs are names or arrays; return the name of its result."""
        name = name or f"{operator}_{len(self._nodes)}"
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        self._nodes.append(self._onnx.helper.make_node(operator, names, [name], **attributes))
        return name

    def cast(self, value, dtype):
        """Add a conversion to a NumPy type."""
        return self.add("Cast", value, to=self._type(dtype))

    def put_out(self, name, dtype, *shape):
        """Declare the value of a name to be an output of the graph, a row for each example."""
        self._outputs.append(self._onnx.helper.make_tensor_value_info(name, self._type(dtype), ["N", *shape]))

    def finished(self, model, texts):
        """Return the ONNX model, checked."""
        helper = self._onnx.helper
        features = helper.make_tensor_value_info("features", self._type(model.mean.dtype), ["N", model.mean.size])
        graph = helper.make_graph(self._nodes, "isgd_mpi", [features], self._outputs, self._constants)
        opsets = [helper.make_opsetid("", _OPSET)]
        whole = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="isgd_mpi")
        helper.set_model_props(whole, texts)
        self._onnx.checker.check_model(whole)
        return whole

    def _type(self, dtype):
        return self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def _constant(self, array):
        """Keep an array; return its name."""
        name = f"constant_{len(self._constants)}"
        if array.dtype.kind == "U":
            array = array.astype(object)
        self._constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name


def _add_layers(graph, model):
    """Add the standardisation and the layers; return the name of the last one's outputs."""
    deviations = graph.add("Sub", "features", model.mean)
    h = graph.cast(graph.add("Mul", deviations, model.inverse_std), np.float32)
    *hidden, last = zip(*layer_views(model.params, model.widths))
    for w, b in hidden:
        h = graph.add("Relu", graph.add("Gemm", h, w, b))
    return graph.add("Gemm", h, *last)


def _add_outputs(graph, model, z):
    """Add what a user gets, from the outputs of the last layer."""
    target = model.target
    if target.kind == "numbers":
        in_units = graph.add("Mul", graph.cast(z, np.float64), np.array(target.scale))
        graph.add("Add", in_units, np.array(target.mean), name="numbers")
        graph.put_out("numbers", np.float64, target.n_outputs)
        return
    if target.kind == "classes":
        graph.add("Softmax", z, name="probabilities", axis=1)
        place = graph.add("ArgMax", z, axis=1, keepdims=0)
    else:
        holds = graph.cast(graph.add("Greater", z, np.zeros(1, np.float32)), np.int64)
        if not target.n_classes:
            graph.add("Sigmoid", z, name="probabilities")
            graph.add("Identity", holds, name="labels")
            graph.put_out("probabilities", np.float32, target.n_outputs)
            graph.put_out("labels", np.int64, target.n_outputs)
            return
        graph.add("Sigmoid", graph.add("Concat", graph.add("Neg", z), z, axis=1), name="probabilities")
        place = graph.add("Squeeze", holds, np.array([1]))
    classes = model.classes
    graph.add("Gather", classes, place, name="label")
    graph.put_out("probabilities", np.float32, target.n_classes)
    graph.put_out("label", object if classes.dtype.kind == "U" else classes.dtype)
