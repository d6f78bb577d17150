"""Data sets: find, read, convert, standardise; and files that are written safely.

To read in this order:

* `datasets`: load a data set by name, gather standardised minibatches;
* `arrays`: make a data set from arrays in memory;
* `target`: describe what is to be predicted;
* `measure`, `guess`: what predictions are judged by, and what guessing comes to;
* `given_target`: take targets that a user gives: classes, labels or numbers;
* `numbers`: standardise numbers that are to be predicted;
* `given`: take arrays that a user gives, or say why not;
* `weights`: check the weights of examples, and find those of classes;
* `standardization`: statistics of each feature, and the scaling that they ask for;
* `coding`: the form in which features are kept;
* `converted`: the cache, data sets converted into files that all ranks of a node map;
* `cache_entries`: check, map and clean up what is in that cache;
* `held`: list what is downloaded and converted, remove what nobody uses;
* `sources`: the files of each data set, and its splits;
* `splitting`: divide examples into splits, class by class;
* `synthetic`: the data set that needs no files;
* `tables`: read tables of words and numbers;
* `array_files`, `npy`, `hdf5`, `rows`: read files of arrays, which may be larger than the memory;
* `unseen`: read what is to be predicted;
* `folders`: the folders that files are searched in;
* `formats`: read IDX, CIFAR-10 and MATLAB files;
* `examples`: check the examples of a file;
* `npz`, `mat_check`, `plain_pickle`: read files that may be hostile;
* `checksums`: checksums of files and arrays;
* `files`: write files whole or not at all, read JSON;
* `safe_files`: open files where other users may have left links, pipes or files of their own;
* `download`: download a file, or the rest of it.
"""
