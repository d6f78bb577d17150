"""MPI: start, agree, watch and wait; what travels between ranks, and how."""
