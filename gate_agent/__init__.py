"""The headless lanes: reader, decision, barrier."""
