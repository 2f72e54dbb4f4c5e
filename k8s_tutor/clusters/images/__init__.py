"""Images for a classroom: kept on this machine, put into one archive, taken out of it; one file a verb.

Images are named here by their whole reference (``docker.io/library/nginx:latest``). Whoever asks knows which are
needed: labs are not known here.
"""
