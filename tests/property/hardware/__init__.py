"""What must hold for any bytes and any picture."""
