"""The password of a user who deletes the account."""

from fastapi import APIRouter

from features.account_deletion.api import router
from features.password_change.password_proof import PasswordProof


def feature(proof: PasswordProof) -> APIRouter:
    """The routes of the feature."""
    return router(proof)
