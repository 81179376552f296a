"""Behind ./dev new, ./dev feature and ./dev service: copier templates and their edits."""
