"""Statistics of logged inputs and outputs, held against the model's reference."""
