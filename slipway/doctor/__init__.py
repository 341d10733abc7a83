"""`slipway doctor`: pure diagnoses of tools, policies and the machine."""
