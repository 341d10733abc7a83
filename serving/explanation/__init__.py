"""Explanations of predictions: Shapley values of the served graph, computed beside the loop."""
