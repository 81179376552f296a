"""Behind ./dev new and ./dev feature: files from templates, lines put where they belong."""
