"""NFC chips: by nfcpy's readers (PN532, RC-S380) and by readers that speak PC/SC."""
