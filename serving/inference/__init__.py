"""Inference whatever the transport: choosing a model, scoring, batching, the response."""
