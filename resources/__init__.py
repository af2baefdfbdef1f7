"""Catalogues of messages, icons, fonts, themes, sounds and sample venues."""
