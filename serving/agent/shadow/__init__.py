"""The shadow slot's model, and scoring logged predictions a second time with it."""
