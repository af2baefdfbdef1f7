"""What a node away from the centre needs to go on working: replica, journal, sync, identity."""
