"""One widget a file; each is fed frozen snapshots and never asks the cluster anything."""
