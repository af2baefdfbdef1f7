"""Units of gate_agent."""
