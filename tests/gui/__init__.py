"""The box office through its real widgets."""
