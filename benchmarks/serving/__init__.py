"""The model server beside its peers and the floor: same models, client, machine and run."""
