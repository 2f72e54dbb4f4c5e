"""Where labs run: one module a provider, and the guard that decides whether we may touch a cluster."""
