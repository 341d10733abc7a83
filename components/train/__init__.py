"""Learns the model: feature graph, trees, and both as one ONNX graph."""
