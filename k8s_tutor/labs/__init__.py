"""What is taught: the lab format (model, JSON Schema, loader) and the labs, one folder each."""
