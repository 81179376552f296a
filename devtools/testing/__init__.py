"""Behind ./dev test: each part in its own process, environment and engine."""
