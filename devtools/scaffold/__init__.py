"""Behind ./dev new, ./dev feature and ./dev service: copier's templates and where they join."""
