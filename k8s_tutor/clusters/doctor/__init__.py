"""What this machine and its clusters have and lack: one module a subject, ``finding.py`` is what they tell.

``examine.py`` runs all looks, side by side and bounded in time. Nothing is changed by any of them.
"""
