"""UHF Gen2 chips by modules of the family YRM100 / M100 / JRD-100 at a serial port."""
