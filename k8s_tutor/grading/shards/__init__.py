"""A class graded in the cluster: its shards go to the pods of an Indexed Job, results come back through the API."""
