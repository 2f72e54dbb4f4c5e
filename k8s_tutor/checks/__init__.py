"""How a claim is verified: one function a claim, pure over a record, grouped by subject."""
