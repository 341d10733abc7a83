"""What rooms agree upon, said once: names, forms and bounds. Imports nothing of ours."""
