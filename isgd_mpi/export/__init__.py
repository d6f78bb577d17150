"""Hand a run on to other programs: ``python -m isgd_mpi.export RUN --format onnx|safetensors|csv``.

The model goes with all that it needs to be used without isgd_mpi: the standardisation, the names of classes or the
units of numbers, and the encoding of a table. The metrics become tables.

To read in this order: `description` (what a file says of its model), `onnx_graph` and `tensors` (its bytes), `metrics`
(CSV), `__main__` (the command).
"""
