"""Many nodes on one seed."""
