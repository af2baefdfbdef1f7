"""The centre's rows: the only place that knows SQLAlchemy."""
