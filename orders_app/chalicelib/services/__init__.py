"""The use cases, one verb a file; they know the domain and the ports, nothing else."""
