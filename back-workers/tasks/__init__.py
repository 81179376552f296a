"""Celery's tasks; each runs a coroutine on the event loop of its worker process."""
