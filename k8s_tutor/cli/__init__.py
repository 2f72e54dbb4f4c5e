"""The command line: parse, call one function, map its outcome to an exit code."""
