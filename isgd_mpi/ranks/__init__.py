"""MPI: start it, check that ranks agree, watch them, wait for them; the records that travel, and their ways.

To read in this order:

* `records`: the records that a refresh sends out and collects;
* `exchange`: send parameters out, collect reports: the ends of trainer and scorer;
* `shards`: cut a data set into the blocks of examples that each scorer owns;
* `waiting`: wait for MPI, politely where ranks outnumber cores;
* `timeline`: measure the time that each rank spends on each activity;
* `transports`: move records by shared memory, messages or collectives;
* `shared`: memory that the ranks of a node share, and their meetings in it;
* `published`: the buffers of published records, in turn;
* `states`: send states between ranks when a run is resumed;
* `launchers`: find out if launcher and MPI did not understand each other;
* `start`: initialise MPI, or say in one line why that would fail;
* `node`: the cores and ranks of a node, and threads;
* `priority`: give way to the trainer, but not to other processes;
* `agreement`: check that all ranks run the same program on the same data;
* `presence`: wait until all ranks are there, and say who is not;
* `faults`: end all ranks together when something goes wrong;
* `crashes`: name a rank that has ended without a word;
* `heartbeat`: notice a rank that has fallen silent;
* `watchdog`: notice a blocking call that does not return.
"""
