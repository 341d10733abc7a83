"""Prometheus metrics of the server and of models on their way into service."""
