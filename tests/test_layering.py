"""The map of modules, and rules of style that a program can check; nothing is imported."""

import ast
import sys
from functools import cache
from pathlib import Path

import pytest


def is_part(name, of):
    return name == of or name.startswith(of + ".")


ROOT = Path(__file__).parent.parent
PATHS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("isgd_mpi", "kernels")
    for path in sorted((ROOT / package).rglob("*.py"))
}
MODULES = list(PATHS)

COMPILED = [name for name in MODULES if name.startswith("kernels.") and "._" not in name and name != "kernels.bench"]

REPORTING = ["isgd_mpi.data.npz", "isgd_mpi.errors", "isgd_mpi.reporting"]
DRAWING = ["activity", "comparisons", "curves", "drawing", "style"]  # the others must do without Matplotlib

MAY_IMPORT = {
    # what each module may import, or parts of; besides the standard library
    "isgd_mpi.data.npz": ["numpy"],
    "isgd_mpi.data.mat_check": [],
    "isgd_mpi.metrics": ["isgd_mpi.errors"],
    "isgd_mpi.heartbeat": ["numpy", "mpi4py", "isgd_mpi.waiting"],
    "isgd_mpi.agreement": ["numpy", "numba", "isgd_mpi", "isgd_mpi.errors"],
    "isgd_mpi.params": ["numpy", "isgd_mpi.memory"],
    "isgd_mpi.threads": [],
    "isgd_mpi.stream": ["numpy", "isgd_mpi.threads", "kernels"],
    "isgd_mpi.mlp": ["numpy", *(f"isgd_mpi.{name}" for name in ["memory", "params", "stream"]), "kernels"],
    "isgd_mpi.optim": ["numpy", "isgd_mpi.memory", "kernels"],
    "isgd_mpi.memory": ["numpy"],
    "isgd_mpi.mkl": ["numpy", "isgd_mpi.memory", "kernels"],
    "isgd_mpi.arithmetic": ["numpy", "numba", "isgd_mpi.memory", "isgd_mpi.mkl", "kernels"],
    "isgd_mpi.low_precision": ["numpy", *(f"isgd_mpi.{name}" for name in ["memory", "mlp", "params"]), "kernels"],
    "isgd_mpi.lstm": ["numpy", "kernels"],
    "isgd_mpi.predictor": ["numpy", "isgd_mpi.lstm", "isgd_mpi.optim", "kernels"],
    "isgd_mpi.proposal": ["numpy", "kernels"],
    "isgd_mpi.state": ["numpy"],
    "isgd_mpi.checkpoint": ["numpy", "isgd_mpi.errors", "isgd_mpi.runlog"],
    "isgd_mpi.saving": ["numpy", "isgd_mpi.checkpoint", "isgd_mpi.state"],
    "isgd_mpi.score_table": ["numpy"],
    "isgd_mpi.mixture": ["numpy", "kernels"],
    "isgd_mpi.switch": [],
    "isgd_mpi.compat": ["numpy", "isgd_mpi.score_table"],
    "isgd_mpi.sampler": [
        "numpy",
        *(f"isgd_mpi.{name}" for name in ["compat", "mixture", "proposal", "score_table", "state"]),
    ],
    "isgd_mpi.monitor": ["numpy", "kernels"],
    "isgd_mpi.appraisal": ["numpy", *(f"isgd_mpi.{name}" for name in ["compat", "monitor", "switch"])],
    "isgd_mpi.shards": [],
    "isgd_mpi.launched": [],
    "isgd_mpi.messages": ["numpy", "isgd_mpi.shards"],
    "isgd_mpi.waiting": ["mpi4py"],
    "isgd_mpi.minibatch": ["numpy"],
    "isgd_mpi.parallel": [
        "numpy",
        "mpi4py",
        *(f"isgd_mpi.{name}" for name in ["exchange", "minibatch", "shards", "transports", "waiting"]),
    ],
    "isgd_mpi.timeline": ["numpy", "isgd_mpi.waiting"],
    "isgd_mpi.places": [],
    "isgd_mpi.transports": ["numpy", "mpi4py", "isgd_mpi.places", "isgd_mpi.waiting"],
    "isgd_mpi.exchange": [
        "numpy",
        "mpi4py",
        *(f"isgd_mpi.{name}" for name in ["places", "transports", "waiting"]),
    ],
    "isgd_mpi.evaluation": ["numpy", "isgd_mpi.messages", "isgd_mpi.score_table", "isgd_mpi.shards"],
    "isgd_mpi.scorer": [
        "numpy",
        *(f"isgd_mpi.{name}" for name in ["evaluation", "messages", "score_table", "shards"]),
    ],
    "isgd_mpi.forecaster": [
        "numpy",
        *(f"isgd_mpi.{name}" for name in ["messages", "predictor", "score_table", "shards"]),
    ],
    "isgd_mpi.intake": ["numpy", *(f"isgd_mpi.{name}" for name in ["messages", "score_table", "state"])],
    "isgd_mpi.trainer": ["isgd_mpi.messages"],
    "isgd_mpi.counters": [],
    "isgd_mpi.reports": ["numpy"],
    "isgd_mpi.evaluation_plan": ["numpy", *(f"isgd_mpi.{name}" for name in ["evaluation", "messages", "score_table"])],
    "isgd_mpi.training": [
        "numpy",
        *(
            f"isgd_mpi.{name}"
            for name in ["appraisal", "counters", "evaluation_plan", "intake", "minibatch", "monitor"]
        ),
        *(f"isgd_mpi.{name}" for name in ["optim", "proposal", "reports", "sampler", "score_table", "state"]),
    ],
    "isgd_mpi.model": ["numpy", "isgd_mpi.errors"],
    "isgd_mpi.blueprints": [
        f"isgd_mpi.{name}" for name in ["arithmetic", "errors", "low_precision", "mlp", "model", "params", "trained"]
    ],
    "isgd_mpi.trained": ["numpy", *(f"isgd_mpi.{name}" for name in ["data", "errors", "params", "runlog"])],
    "isgd_mpi.config": ["isgd_mpi.errors"],
    "isgd_mpi.commands": ["jsonargparse", "isgd_mpi.errors"],
    "isgd_mpi.keywords": ["numpy", "isgd_mpi.config", "isgd_mpi.errors"],
    **{name: ["numpy", "toml", "tomllib", *REPORTING] for name in MODULES if is_part(name, "isgd_mpi.reporting")},
    **{f"isgd_mpi.reporting.{name}": ["numpy", "matplotlib", *REPORTING] for name in DRAWING},
    "isgd_mpi.datasets": ["numpy", "kernels", "isgd_mpi.data", "isgd_mpi.errors"],
    "isgd_mpi.experiments.description": [],
    "isgd_mpi.experiments.catalogue": ["isgd_mpi.experiments.description"],
    "isgd_mpi.experiments.plan": ["isgd_mpi.config", "isgd_mpi.data.sources", "isgd_mpi.errors"],
    "isgd_mpi.experiments.state": ["isgd_mpi.config", "isgd_mpi.errors", "isgd_mpi.options"],
    "isgd_mpi.experiments.launcher": ["isgd_mpi.config", "isgd_mpi.errors"],
    "isgd_mpi.experiments.slurm": ["isgd_mpi.errors"],
    "isgd_mpi.experiments.performing": [
        "tqdm",
        *(f"isgd_mpi.{name}" for name in ["errors", "experiments.state", "options", "runlog"]),
    ],
    "isgd_mpi.experiments.queue": [
        *(f"isgd_mpi.{name}" for name in ["experiments.performing", "experiments.state", "runlog"]),
    ],
    "isgd_mpi.arrays": ["numpy", "isgd_mpi.data", "isgd_mpi.datasets"],
    **{name: ["numpy", "numba", "kernels"] for name in MODULES if is_part(name, "kernels")},
    **{name: ["numpy", "numba", "kernels._jit", "kernels._vectors", *COMPILED] for name in COMPILED},
    "kernels._vectors": ["llvmlite", "numba", "numpy", "kernels._jit"],
    "kernels._jit": ["numba"],
    "kernels._tiles": ["numba", "llvmlite"],
    "kernels.products": ["numpy", "kernels._jit", "kernels._tiles", "kernels.rounding"],
}

MPI_MODULES = [
    *(
        "__main__",
        "cli",
        "environment",
        "exchange",
        "fitting",
        "heartbeat",
        "node",
        "parallel",
        "start",
        "transfer",
        "transports",
        "waiting",
    ),
    *("bench.descent_ranks", "bench.exchange_ranks", "bench.memory_ranks", "bench.patterns", "bench.throughput_ranks"),
]
SETUP_MODULES = ["agreement", "cli", "fitting", "job", "node"]  # pickled messages, before training begins
ENTRY_POINTS = [
    *("__main__", "cli", "fitting"),
    *("bench.descent_ranks", "bench.exchange_ranks", "bench.memory_ranks", "bench.throughput_ranks"),
]
POINT_TO_POINT = {"send", "recv", "isend", "irecv", "ssend", "issend", "bsend", "ibsend", "sendrecv"}
COLLECTIVE = {"bcast", "scatter", "gather", "allgather", "alltoall", "reduce", "allreduce", "scan", "exscan"}
PICKLING = POINT_TO_POINT | COLLECTIVE

TWINS = {
    # kernel: naive twin in reference.py, if not of the same name
    "add_squared_grad_norms": "squared_grad_norms",
    "round_rows": "bfloat16",
    "bias_relu_rounded": "bias_relu",
    "relu_backward_rounded": "relu_backward",
    "pack": "product_of_bfloat16",
    "pack_transposed": "product_of_bfloat16",
    "multiply": "product_of_bfloat16",
    "search": "search_positions",
    "systematic_search": "systematic_positions",
}
WITHOUT_TWIN = ["add_moments", "fill_examples"]  # held against NumPy's mean and var, and against a digest

MOST_MODULE_LINES = 400
MOST_FUNCTION_LINES = 60

for_each_module = pytest.mark.parametrize("module", MODULES)


@cache
def tree_of(path):
    return ast.parse(path.read_text(), str(path))


def nodes(module, kind):
    return [node for node in ast.walk(tree_of(PATHS[module])) if isinstance(node, kind)]


def imports(module):
    """Names of all modules that a module imports, also inside functions."""
    found = {alias.name for node in nodes(module, ast.Import) for alias in node.names}
    for node in nodes(module, ast.ImportFrom):
        assert node.level == 0, f"{module}: relative import, line {node.lineno}"
        names = {f"{node.module}.{alias.name}" for alias in node.names}
        found |= {name if name in PATHS else node.module for name in names}
    return {name for name in found if name.partition(".")[0] not in sys.stdlib_module_names}


def in_project(names):
    return {f"isgd_mpi.{name}" for name in names}


def test_map_names_modules_that_exist():
    assert {*MAY_IMPORT, *in_project(MPI_MODULES + SETUP_MODULES + ENTRY_POINTS)} <= set(MODULES)


@pytest.mark.parametrize("module", MAY_IMPORT)
def test_module_imports_what_the_map_allows(module):
    allowed = MAY_IMPORT[module]
    assert not {name for name in imports(module) if not any(is_part(name, of) for of in allowed)}


@for_each_module
def test_module_does_not_import_itself_through_others(module):
    reached, new = set(), {module}
    while new:
        found = {name for one in new for name in imports(one) if name in PATHS}
        new = found - reached
        reached |= found
    assert module not in reached


@pytest.mark.parametrize("module", [name for name in MODULES if name not in in_project(MPI_MODULES)])
def test_module_is_handed_its_mpi(module):
    assert not {name for name in imports(module) if is_part(name, "mpi4py")}


@pytest.mark.parametrize("module", [name for name in MODULES if name not in in_project(ENTRY_POINTS)])
def test_only_the_entry_touches_comm_world(module):
    attributes = [node.attr for node in nodes(module, ast.Attribute)] + [node.id for node in nodes(module, ast.Name)]
    assert "COMM_WORLD" not in attributes


@pytest.mark.parametrize("module", [name for name in MODULES if name not in in_project(SETUP_MODULES)])
def test_module_moves_buffers_not_pickles(module):
    methods = [node.func for node in nodes(module, ast.Call) if isinstance(node.func, ast.Attribute)]
    assert not [
        f"line {method.lineno}: {ast.unparse(method)}"
        for method in methods
        if method.attr in PICKLING and "comm" in ast.unparse(method.value).lower()
    ]


@for_each_module
def test_module_has_no_global_random_state(module):
    assert "random" not in {alias.name for node in nodes(module, ast.Import) for alias in node.names}
    assert "random" not in {node.module for node in nodes(module, ast.ImportFrom)}
    assert not [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in nodes(module, ast.Attribute)
        if ast.unparse(node.value) in ("np.random", "numpy.random")
        if node.attr != "default_rng" and not node.attr[0].isupper()  # classes own their state
    ]


def public_definitions(body):
    """Public classes and functions of a module, and the public methods of these classes."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body)


def is_setter(definition):
    return any(isinstance(part, ast.Attribute) and part.attr == "setter" for part in definition.decorator_list)


@for_each_module
def test_module_classes_functions_and_methods_say_what_they_are(module):
    tree = tree_of(PATHS[module])
    silent = [node.name for node in public_definitions(tree.body) if not (ast.get_docstring(node) or is_setter(node))]
    assert ast.get_docstring(tree) and not silent


@for_each_module
def test_module_is_read_at_a_sitting(module):
    assert len(PATHS[module].read_text().splitlines()) <= MOST_MODULE_LINES


def code_lines(function):
    """Lines of a function without its docstring."""
    docstring = function.body[0] if ast.get_docstring(function, clean=False) is not None else None
    length = function.end_lineno - function.lineno + 1
    return length - (docstring.end_lineno - docstring.lineno + 1 if docstring else 0)


@for_each_module
def test_functions_are_short(module):
    lengths = {node.name: code_lines(node) for node in nodes(module, ast.FunctionDef)}
    assert not {name: length for name, length in lengths.items() if length > MOST_FUNCTION_LINES}


def kernels_of(module):
    """Functions that are compiled, by name."""
    return {
        node.name: node
        for node in tree_of(PATHS[module]).body
        if isinstance(node, ast.FunctionDef) and "jit" in map(ast.unparse, node.decorator_list)
    }


def test_there_are_kernels():
    assert sum(len(kernels_of(module)) for module in COMPILED) > 10


def entries():
    """Public kernels that no other kernel of their module is made of."""
    for module in COMPILED:
        kernels = kernels_of(module)
        calls = [node for kernel in kernels.values() for node in ast.walk(kernel) if isinstance(node, ast.Call)]
        parts = {ast.unparse(call.func) for call in calls}
        yield from ((module, name) for name in kernels if not name.startswith("_") and name not in parts)


ENTRIES = [pytest.param(module, name, id=f"{module}.{name}") for module, name in entries()]


@pytest.mark.parametrize(("module", "name"), ENTRIES)
def test_kernel_has_a_naive_twin(module, name):
    reference = tree_of(ROOT / "tests" / "reference.py")
    twins = [node.name for node in reference.body if isinstance(node, ast.FunctionDef)]
    assert (TWINS.get(name, name) in twins) != (name in WITHOUT_TWIN)


@pytest.mark.parametrize(("module", "name"), ENTRIES)
def test_kernel_has_a_row_in_the_bench(module, name):
    registry = {ast.unparse(node) for node in nodes("kernels._cases", ast.Attribute)}
    assert f"{module.removeprefix('kernels.')}.{name}" in registry


DOCUMENTED = [name for name in MODULES if "._" not in name and PATHS[name].name != "__init__.py"]


@pytest.mark.parametrize("module", DOCUMENTED)
def test_module_is_in_the_documentation(module):
    assert module in (ROOT / "docs" / "api.md").read_text().split()
