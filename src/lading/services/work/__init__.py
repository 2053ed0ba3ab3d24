"""What jobs are there for: pulls, pushes, copies, imports, sweeps; and the table of them all."""
