"""Kubeflow pipelines, one graph a file."""
