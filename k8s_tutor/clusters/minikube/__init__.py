"""Clusters of the minikube program: its nodes are containers or virtual machines of whatever driver it picks."""
