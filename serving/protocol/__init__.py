"""The Open Inference Protocol's messages, datatypes and tensors, whatever the transport."""
