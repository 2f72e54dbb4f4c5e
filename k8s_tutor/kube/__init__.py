"""The one door to an API server: bounded transport, watch, live record with history, apply, probes."""
