"""The pane of the live cluster: a strip of views, and rows that are formatted only when they are seen."""

from k8s_tutor.ui.widgets.cluster.pane import HELP, ClusterPane

__all__ = ["HELP", "ClusterPane"]
