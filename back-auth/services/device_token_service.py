"""Device tokens: proof that somebody logged in to an account from a device before."""

import hmac
import re
from uuid import UUID

from services.secret_service import derived_secret, new_secret
from shared.models.user import UserCredential

_TOKEN = re.compile(r"(?P<device>[\w-]{43})\.(?P<proof>[\w-]{43})", re.ASCII)
_NOBODY = UUID(int=0)


class DeviceTokenService:
    """Issues tokens of the form `device_id.proof` and checks them.

    The proof is an HMAC under `key` of the device, the user and the version of the password, so
    nothing is stored, and a new password ends every token of the account.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def issue(self, account: UserCredential) -> str:
        """The token of a device that is seen for the first time."""
        device_id = new_secret()
        return f"{device_id}.{self._proof(device_id, account)}"

    def device_id(self, token: str | None, account: UserCredential | None) -> str | None:
        """The device whose token of this account it is; None for anything else."""
        match = _TOKEN.fullmatch(token or "")
        device_id, proof = match.group("device", "proof") if match else ("", "")
        # Computed for an unknown account and a malformed token too, so that time tells neither.
        valid = hmac.compare_digest(self._proof(device_id, account), proof)
        return device_id if valid and account is not None else None

    def _proof(self, device_id: str, account: UserCredential | None) -> str:
        user_id = account.user.id if account else _NOBODY
        version = account.password_version if account else 0
        return derived_secret(self._key, device_id, user_id, version)
