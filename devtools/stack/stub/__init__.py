"""Behind ./dev stub: Prism serves the OpenAPI document of a service that need not exist."""
