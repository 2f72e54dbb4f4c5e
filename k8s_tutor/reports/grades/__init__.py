"""Reports of a class: one interface (``report.py``), one module a format."""
