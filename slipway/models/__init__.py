"""What commands ask of models: slots, predictions, explanations, feedback, API keys."""
