"""Pipelines as code on Kubeflow Pipelines: what is uploaded, what runs by the clock, and how."""
