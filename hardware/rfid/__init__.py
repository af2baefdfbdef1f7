"""125 kHz chips (EM4100) by readers at a serial port."""
