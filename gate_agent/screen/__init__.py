"""The gate's own pages: what a lane shows to visitors, and what staff hold in their hands."""
