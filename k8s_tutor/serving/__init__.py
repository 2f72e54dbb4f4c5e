"""The tutor in a browser, for a classroom machine: one namespace, one set of credentials, one process a learner."""
