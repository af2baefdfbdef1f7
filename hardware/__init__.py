"""Devices as bytes, paper, barcodes and contacts; knows no ticket."""
