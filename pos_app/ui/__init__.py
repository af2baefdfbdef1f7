"""The box office's widgets: the only place that knows Qt."""
