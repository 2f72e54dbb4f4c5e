"""One archive for a bug report: what is in it (``pack.py``), what is taken out (``redact.py``), how it is written."""
