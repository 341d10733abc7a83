"""What commands do to a stack, on either target: up, status, logs, training, rotation."""
