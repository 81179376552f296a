"""Consumer-driven contract tests with Pact (https://docs.pact.io): for tests alone.

A consumer's test says what it sends and reads, through its real adapters; the pacts of all
consumers are kept in `shared/contracts/pacts` and verified by their providers' tests.
"""

from shared.kit.pacts.consumer import ConsumerPact, refusal, reply
from shared.kit.pacts.matching import like, state
from shared.kit.pacts.provider import Provider

__all__ = ["ConsumerPact", "Provider", "like", "refusal", "reply", "state"]
