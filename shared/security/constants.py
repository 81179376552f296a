"""Constants that signers and verifiers of tokens share."""

JWT_ALGORITHM = "RS256"
JWT_EXPIRATION = 15 * 60  # seconds
REFRESH_TOKEN_EXPIRATION = 7 * 24 * 60 * 60  # seconds
JWT_ISSUER = "tools-dashboard"
JWT_AUDIENCE = "tools-dashboard"
JWT_LEEWAY = 5  # seconds of clock difference between two machines

ASSERTION_ALGORITHM = "EdDSA"
ASSERTION_EXPIRATION = 60  # seconds
ASSERTION_REUSE = 30  # seconds
