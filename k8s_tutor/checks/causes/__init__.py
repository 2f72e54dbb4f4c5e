"""Likely causes: what keeps a pod, a ReplicaSet or a Service from being what was asked for, one module a subject."""
