"""Models in memory: files to an onnxruntime session, its signature, scoring, warm-up, slots."""
