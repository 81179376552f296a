"""Behind ./dev milestone: gates of integration, each a small function on what commands found."""
