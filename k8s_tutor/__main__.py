"""``python -m k8s_tutor`` is the ``k8s-tutor`` command."""

import sys

from k8s_tutor.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
