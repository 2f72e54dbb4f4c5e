"""What a node consists of: binaries, images, registry, configuration; pinned in one lock file.

The native cluster's nodes are made of it, and a kind node image can be made of the same.
"""
