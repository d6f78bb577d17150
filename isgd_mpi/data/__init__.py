"""Data sets: find, read, convert, standardise; and files that are written safely.

In the order to read them:

* :mod:`~isgd_mpi.data.datasets`: load a data set by name, gather standardised minibatches
* :mod:`~isgd_mpi.data.arrays`: make a data set from arrays in memory
* :mod:`~isgd_mpi.data.standardization`: mean and scale of each feature
* :mod:`~isgd_mpi.data.converted`: the cache, data sets converted into files that all ranks of a node map
* :mod:`~isgd_mpi.data.sources`: the files of each data set, and its splits
* :mod:`~isgd_mpi.data.synthetic`: the data set that needs no files
* :mod:`~isgd_mpi.data.folders`: the folders that files are searched in
* :mod:`~isgd_mpi.data.formats`: read IDX, CIFAR-10, MATLAB and npz files
* :mod:`~isgd_mpi.data.examples`: check the examples of a file
* :mod:`~isgd_mpi.data.npz`, :mod:`~isgd_mpi.data.mat_check`, :mod:`~isgd_mpi.data.plain_pickle`: read files
  that may be hostile
* :mod:`~isgd_mpi.data.checksums`: of files and arrays
* :mod:`~isgd_mpi.data.files`: write files whole or not at all, read JSON
* :mod:`~isgd_mpi.data.download`: download a file, or the rest of it
"""
