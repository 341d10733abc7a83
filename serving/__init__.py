"""The model server. It stands alone: it imports no other room."""

import os

# Official builds of onnxruntime since 1.29 send telemetry to Microsoft and keep a device id and a
# queue under ~/.cache, unless this is set before the library is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
