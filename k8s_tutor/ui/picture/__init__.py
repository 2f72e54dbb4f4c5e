"""The live picture of the cluster: pure rows of text out of a record, and the moment's clock.

``model`` keeps every object in its place while records come and go, ``tree``, ``tables``, ``nodes`` and ``events``
list the rows of a view, ``row`` formats one when it is seen. The widgets are in ``ui/widgets/cluster``.
"""
