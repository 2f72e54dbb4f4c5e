"""Many learners: what they hand in, read without trust. Replaying it on a cluster is not there yet."""
