"""The model server. It stands alone: it imports no other room."""
