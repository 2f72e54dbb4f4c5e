"""A tutor and grader for Kubernetes, on a real cluster, in a terminal."""

__version__ = "0.1.0"
