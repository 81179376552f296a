"""The package behind ./dev: runs, tests and checks the repository."""
