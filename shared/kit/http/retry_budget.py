"""How many extra calls retries may make."""


class RetryBudget:
    """Allows one retry for every ten calls, so that retries can't multiply an overload.

    A reserve of ten retries serves a client that makes few calls. The same rule as the retry
    budget of Finagle and the retry throttling of gRPC (gRFC A6).
    """

    CALLS_A_RETRY = 10
    RESERVE = 10 * CALLS_A_RETRY

    def __init__(self) -> None:
        self._calls = self.RESERVE

    def deposit(self) -> None:
        """Count a call."""
        self._calls = min(self.RESERVE, self._calls + 1)

    def withdraw(self) -> bool:
        """Take one retry; False where the budget is spent."""
        if self._calls < self.CALLS_A_RETRY:
            return False
        self._calls -= self.CALLS_A_RETRY
        return True
