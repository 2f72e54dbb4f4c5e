"""The real upstream cluster of the tutor's own: kubeadm inside bundles of namespaces, no Docker."""
