"""Clusters of the kind program: its nodes are containers of docker, podman or nerdctl."""
