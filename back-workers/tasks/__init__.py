"""Celery's tasks: each says in one line what is run by the event loop of its process."""
