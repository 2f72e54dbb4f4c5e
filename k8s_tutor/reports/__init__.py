"""A lab's results on paper: for a terminal, for machines, for CI; one module a format."""
