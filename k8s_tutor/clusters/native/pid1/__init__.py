"""PID 1 of a node. Standard library only: it runs isolated, from before the node has anything until it dies."""
