"""Consumer-driven contract tests with Pact (https://docs.pact.io): for tests alone.

A consumer's test says what it sends and reads, through its real adapters; the pacts of all
consumers are kept in `tests/contracts/pacts` and verified by their providers' tests.
"""

import os

# Pact's core reports its use to Google Analytics unless this variable is set.
os.environ["PACT_DO_NOT_TRACK"] = "true"

from shared.testing.pacts.consumer import ConsumerPact, recorded, refusal, reply
from shared.testing.pacts.document import PactChanged
from shared.testing.pacts.matching import exactly, state
from shared.testing.pacts.provider import NotKept, Provider

__all__ = [
    "ConsumerPact",
    "NotKept",
    "PactChanged",
    "Provider",
    "exactly",
    "recorded",
    "refusal",
    "reply",
    "state",
]
