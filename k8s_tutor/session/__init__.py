"""One learner at work: the engine that runs a lab over a record, progress, workspace files."""
