"""The gRPC side of the model server: the Open Inference Protocol's published service.

Not named `grpc`, which is the library's. Only workers import this room, after they were forked.
"""

import os

# The library's core writes lines of its own to stderr; what matters of them comes as exceptions.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
