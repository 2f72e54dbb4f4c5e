"""What can go wrong, as the user meets it: one sentence, one remedy, one exit code.

Exit codes are those of ``docs/design.md``: 0 all passed, 1 a check failed, 2 usage or lab definition,
3 environment. ``fail`` is never an exception: a check that fails is an outcome, not an error.
"""

from __future__ import annotations

EXIT_PASS = 0
EXIT_FAIL = 1
EXIT_USAGE = 2
EXIT_ENVIRONMENT = 3
EXIT_INTERRUPTED = 130


class TutorError(Exception):
    """An error that the user can act on.

    ``message`` says what is wrong in one sentence; ``remedy`` is the exact command or edit that mends it
    (empty where there is none); ``code`` is a stable word for machines and tests.
    """

    exit_code = EXIT_ENVIRONMENT

    def __init__(self, message: str, *, remedy: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code


class UsageError(TutorError):
    """The command line, a setting or a name that the user gave is wrong (exit 2)."""

    exit_code = EXIT_USAGE


class LabError(UsageError):
    """A lab's definition is wrong (exit 2): names the file, the line (1-based, 0 if unknown) and what is allowed."""

    def __init__(self, message: str, *, file: str, line: int = 0, remedy: str = "", code: str = "lab") -> None:
        where = f"{file}:{line}" if line else file
        super().__init__(f"{where}: {message}", remedy=remedy, code=code)
        self.file = file
        self.line = line


class EnvironmentFault(TutorError):
    """The machine or the cluster is not as it must be (exit 3). Never counted against a learner."""


class ClusterError(EnvironmentFault):
    """A cluster cannot be reached, started or used (exit 3)."""
