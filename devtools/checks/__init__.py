"""Behind ./dev check: each rule is a small function that returns what breaks it."""
