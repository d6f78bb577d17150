"""Measure each kernel beside its NumPy twin and the machine's limits: ``python -m kernels.bench``.

To read in this order:

* `__main__`: the command line and the printed table;
* `cases`: the kernels, the sizes they are measured at, and the work they do;
* `arguments`: random arguments of these sizes;
* `twins`, `loss_twins`, `sampling_twins`: the same computations with NumPy;
* `timing`: alternating blocks of calls, and the comparison of results;
* `machine`: bandwidth and matrix products that the machine reaches at most.
"""
