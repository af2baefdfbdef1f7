"""The centre: owner of catalogue, money and entry facts."""
