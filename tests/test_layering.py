"""The map of folders, and rules of style that ruff does not know; nothing is imported but in fresh processes."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def name_of(path):
    """Return the name that a file is imported by; kernels/ is installed as isgd_mpi.kernels."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return name if name.startswith("isgd_mpi") else f"isgd_mpi.{name}"


PATHS = {name_of(path): path for folder in ("isgd_mpi", "kernels") for path in sorted((ROOT / folder).rglob("*.py"))}
MODULES = list(PATHS)

BELOW_RUN = {"data", "kernels", "model", "ranks", "sampling", "settings", "training"}
MAY_IMPORT = {
    # folder, or single module at the top: folders that it may import from, besides itself
    "kernels": set(),
    "settings": set(),
    "data": {"settings", "kernels"},
    "model": {"data", "settings", "kernels"},
    "sampling": {"settings", "kernels"},
    "ranks": {"settings", "kernels"},
    "training": {"model", "sampling", "ranks", "settings", "kernels"},
    "run": BELOW_RUN,
    "fetch": {"data", "settings"},
    "predict": {"model", "data", "settings"},
    "export": {"model", "data", "settings"},
    "report": {"data", "settings"},
    "experiment": {"report", "data", "sampling", "settings"},
    "bench": {"experiment", "report", "run", *BELOW_RUN},
    "sklearn": {"settings", "__init__"},
    "__init__": {"settings"},
    "__main__": {"ranks", "run"},
}
"""The table of docs/architecture.md."""

OF_RANK_PROGRAMS = {"experiment": {"run", *BELOW_RUN}}
"""Folders that the programs on ranks of a folder may import besides."""

MPI_FOLDERS = ["ranks", "run", "bench"]  # of bench only the programs that run on ranks
MPI_MODULES = ["isgd_mpi.__main__"]
MPI_MODULES += [f"isgd_mpi.training.{name}" for name in ("co_trainers", "sums", "predictor.remote")]
WITHOUT_MPI = ["data", "experiment", "export", "fetch", "kernels", "model", "predict", "report", "sampling", "settings"]
"""Importing these must not initialise MPI."""

SETUP_MODULES = ["ranks.agreement", "ranks.node", "run.cli", "run.fit", "run.job"]  # pickles, before training begins
ENTRY_POINTS = ["isgd_mpi.__main__", "isgd_mpi.run.cli", "isgd_mpi.run.fit"]  # and the benches' programs
POINT_TO_POINT = {"send", "recv", "isend", "irecv", "ssend", "issend", "bsend", "ibsend", "sendrecv"}
COLLECTIVE = {"bcast", "scatter", "gather", "allgather", "alltoall", "reduce", "allreduce", "scan", "exscan"}
PICKLING = POINT_TO_POINT | COLLECTIVE

TWINS = {
    # kernel: naive twin in reference.py, if not of the same name
    "add_squared_grad_norms": "squared_grad_norms",
    "round_rows": "bfloat16",
    "bias_relu_rounded": "bias_relu",
    "relu_backward_rounded": "relu_backward",
    "relu_backward_weighted": "relu_backward",
    "pack": "product_of_bfloat16",
    "pack_transposed": "product_of_bfloat16",
    "pack_weighted": "product_of_bfloat16",
    "multiply": "product_of_bfloat16",
    "round_features": "bfloat16",
    "activate": "bias_relu",
    "propagate": "relu_backward",
    "write_outputs": "add_product",
    "write_below": "add_product",
    "descend_narrow": "nesterov_update",
    "descend": "descend_along_product",
    "update_and_round": "nesterov_update",
    "form_gradient": "product_of_bfloat16",
    "round_weights": "bfloat16",
    "add_active_product": "add_product",
    "update_columns": "nesterov_update",
    "search": "search_positions",
    "systematic_search": "systematic_positions",
}
WITHOUT_TWIN = ["add_moments", "arrive", "fill_examples"]  # held against NumPy's mean and var; has no result; a digest

MOST_MODULE_LINES = 400
MOST_FUNCTION_LINES = 60
MOST_PARAMETERS = 5  # of a constructor
ONE_MORE = {"MLP", "LowPrecisionMLP"}  # which take a loss beside all that a net and its place need

RIDDLE = re.compile(r"^(What|How|When|Where|Whether|Who|Why|Which)\b| as of ", re.IGNORECASE)


def folder_of(module):
    """Return the folder below the package that a module is in, or the name of a module at the top."""
    return module.split(".")[1] if "." in module else "__init__"


COMPILED = [
    name
    for name in MODULES
    if folder_of(name) == "kernels" and "._" not in name and ".bench" not in name and name != "isgd_mpi.kernels"
]

for_each_module = pytest.mark.parametrize("module", MODULES)


@cache
def tree_of(path):
    return ast.parse(path.read_text(), str(path))


def nodes(module, kind):
    return [node for node in ast.walk(tree_of(PATHS[module])) if isinstance(node, kind)]


def imports(module):
    """Return the names of all modules that a module imports, also inside functions."""
    found = {alias.name for node in nodes(module, ast.Import) for alias in node.names}
    for node in nodes(module, ast.ImportFrom):
        assert node.level == 0, f"{module}: relative import, line {node.lineno}"
        names = {f"{node.module}.{alias.name}" for alias in node.names}
        found |= {name if name in PATHS else node.module for name in names}
    return {name for name in found if name.partition(".")[0] not in sys.stdlib_module_names}


def is_rank_program(module):
    return folder_of(module) in ("bench", "experiment") and module.rpartition(".")[2].endswith(("ranks", "patterns"))


def ours(names):
    return {name for name in names if name in PATHS}


def test_every_folder_and_module_at_the_top_is_in_the_map():
    assert {folder_of(module) for module in MODULES} == set(MAY_IMPORT)


@for_each_module
def test_module_imports_downwards(module):
    folder = folder_of(module)
    allowed = (
        MAY_IMPORT[folder] | {folder} | (OF_RANK_PROGRAMS.get(folder, set()) if is_rank_program(module) else set())
    )
    assert not {name for name in ours(imports(module)) if folder_of(name) not in allowed}


def test_no_folder_imports_itself_through_others():
    reached = {folder: set(below) for folder, below in MAY_IMPORT.items()}
    for _ in MAY_IMPORT:
        reached = {folder: below.union(*(reached[one] for one in below)) for folder, below in reached.items()}
    assert not [folder for folder, below in reached.items() if folder in below]


@for_each_module
def test_module_does_not_import_itself_through_others(module):
    reached, new = set(), {module}
    while new:
        found = {name for one in new for name in ours(imports(one))}
        new = found - reached
        reached |= found
    assert module not in reached


@for_each_module
def test_module_is_handed_its_mpi(module):
    allowed = folder_of(module) in ("ranks", "run") or module in MPI_MODULES or is_rank_program(module)
    assert allowed or not {name for name in imports(module) if name.partition(".")[0] == "mpi4py"}


@pytest.mark.parametrize("folder", ["isgd_mpi", *(f"isgd_mpi.{folder}" for folder in WITHOUT_MPI)])
def test_importing_a_folder_does_not_initialise_mpi(folder):
    modules = [name for name in MODULES if f"{name}.".startswith(f"{folder}.") and not is_rank_program(name)]
    if folder == "isgd_mpi":
        modules = ["isgd_mpi"]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "mpi4py.MPI" not in loaded.stdout.split()
    if folder == "isgd_mpi":
        assert not {"numpy", "numba", "mpi4py"} & set(loaded.stdout.split())


@pytest.mark.parametrize("module", [name for name in MODULES if name not in ENTRY_POINTS and not is_rank_program(name)])
def test_only_the_entry_touches_comm_world(module):
    attributes = [node.attr for node in nodes(module, ast.Attribute)] + [node.id for node in nodes(module, ast.Name)]
    assert "COMM_WORLD" not in attributes


@pytest.mark.parametrize("module", [name for name in MODULES if name.removeprefix("isgd_mpi.") not in SETUP_MODULES])
def test_module_moves_buffers_not_pickles(module):
    methods = [node.func for node in nodes(module, ast.Call) if isinstance(node.func, ast.Attribute)]
    assert not [
        f"line {method.lineno}: {ast.unparse(method)}"
        for method in methods
        if method.attr in PICKLING and "comm" in ast.unparse(method.value).lower()
    ]


def is_setter(definition):
    return any(isinstance(part, ast.Attribute) and part.attr == "setter" for part in definition.decorator_list)


@for_each_module
def test_first_lines_of_docstrings_pose_no_riddle(module):
    texts = [ast.get_docstring(node) for node in nodes(module, (ast.Module, ast.ClassDef, ast.FunctionDef))]
    assert not [text.splitlines()[0] for text in texts if text and RIDDLE.search(text.splitlines()[0])]


@pytest.mark.parametrize("module", [name for name in MODULES if PATHS[name].name == "__init__.py" and "." in name])
def test_a_folders_init_is_one_docstring(module):
    tree = tree_of(PATHS[module])
    assert ast.get_docstring(tree) and len(tree.body) == 1


@for_each_module
def test_constructors_have_few_parameters(module):
    constructors = [
        (node.name, method.args)
        for node in nodes(module, ast.ClassDef)
        for method in node.body
        if getattr(method, "name", "") == "__init__"
    ]
    counts = {name: sum(isinstance(part, ast.arg) for part in ast.walk(args)) - 1 for name, args in constructors}
    assert not {name: count for name, count in counts.items() if count > MOST_PARAMETERS + (name in ONE_MORE)}


def is_own(node):
    """Return whether an object is the one that a method belongs to, or the interpreter with its hooks."""
    return ast.unparse(node) in ("self", "cls", "sys", "threading")


@cache
def methods():
    """Return the names of all methods of our classes, but for properties, which are data."""
    classes = [node for module in MODULES for node in nodes(module, ast.ClassDef)]
    found = [item for node in classes for item in node.body if isinstance(item, ast.FunctionDef)]
    data = {item.name for item in found if is_setter(item) or "property" in map(ast.unparse, item.decorator_list)}
    return {item.name for item in found} - data


def is_function(value, functions):
    """Return whether a value is a function or a method, or is made by a call that is handed one."""
    if isinstance(value, ast.Call):
        return any(is_function(argument, functions) for argument in value.args)
    return (
        isinstance(value, ast.Lambda)
        or (isinstance(value, ast.Name) and value.id in functions)
        or (isinstance(value, ast.Attribute) and value.attr in methods())
        or (isinstance(value, (ast.Tuple, ast.List)) and any(is_function(item, functions) for item in value.elts))
    )


def rewirings(tree):
    """Yield the lines that set an attribute by name, or one of another object to a function or method."""
    own = {item for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for item in node.body}
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node not in own}
    imported = [alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    functions |= {alias.asname or alias.name for alias in imported if alias.name.islower()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setattr") and not is_own(node.args[0]):
            yield node
        if isinstance(node, ast.Assign) and is_function(node.value, functions):
            parts = [part for target in node.targets for part in ast.walk(target)]
            stored = [part for part in parts if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)]
            if not all(is_own(part.value) for part in stored):
                yield node


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("model.params = vector", False),
        ("self.look = waiter.idle", False),
        ("waiter.idle = self.look", False),
        ("trainer.take_step = lambda: None", True),
        ("trainer.take_step = timed(trainer.take_step)", True),
        ("trainer.exchange.receive, n = trainer.take_step, 1", True),
        ("setattr(trainer, name, value)", True),
        ("setattr(self, name, value)", False),
    ],
)
def test_a_replaced_method_is_found(line, found):
    assert any(rewirings(ast.parse(line))) == found


@for_each_module
def test_no_method_of_another_object_is_replaced(module):
    assert not [f"line {node.lineno}: {ast.unparse(node)}" for node in rewirings(tree_of(PATHS[module]))]


@for_each_module
def test_module_is_read_at_a_sitting(module):
    assert len(PATHS[module].read_text().splitlines()) <= MOST_MODULE_LINES


def code_lines(function):
    """Return the number of lines of a function without its docstring."""
    docstring = function.body[0] if ast.get_docstring(function, clean=False) is not None else None
    length = function.end_lineno - function.lineno + 1
    return length - (docstring.end_lineno - docstring.lineno + 1 if docstring else 0)


@for_each_module
def test_functions_are_short(module):
    lengths = {node.name: code_lines(node) for node in nodes(module, ast.FunctionDef)}
    assert not {name: length for name, length in lengths.items() if length > MOST_FUNCTION_LINES}


def kernels_of(module):
    """Return the functions that are compiled, by name."""
    return {
        node.name: node
        for node in tree_of(PATHS[module]).body
        if isinstance(node, ast.FunctionDef) and "jit" in map(ast.unparse, node.decorator_list)
    }


def test_there_are_kernels():
    assert sum(len(kernels_of(module)) for module in COMPILED) > 10


def entries():
    """Yield the public kernels that no other kernel of their module is made of."""
    for module in COMPILED:
        kernels = kernels_of(module)
        calls = [node for kernel in kernels.values() for node in ast.walk(kernel) if isinstance(node, ast.Call)]
        parts = {ast.unparse(call.func) for call in calls}
        yield from ((module, name) for name in kernels if not name.startswith("_") and name not in parts)


ENTRIES = [pytest.param(module, name, id=f"{module}.{name}") for module, name in entries()]


@pytest.mark.parametrize(("module", "name"), ENTRIES)
def test_kernel_has_a_naive_twin(module, name):
    reference = tree_of(ROOT / "tests" / "support" / "reference.py")
    twins = [node.name for node in reference.body if isinstance(node, ast.FunctionDef)]
    assert (TWINS.get(name, name) in twins) != (name in WITHOUT_TWIN)


@pytest.mark.parametrize(("module", "name"), ENTRIES)
def test_kernel_has_a_row_in_the_bench(module, name):
    registry = {ast.unparse(node) for node in nodes("isgd_mpi.kernels.bench.cases", ast.Attribute)}
    assert f"{module.removeprefix('isgd_mpi.kernels.')}.{name}" in registry
