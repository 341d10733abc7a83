"""What requests of every transport pass: API keys, admission, trace context, access log."""
