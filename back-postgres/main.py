"""back-postgres: relational data, commands, outbox and deliveries, without business rules."""

from fastapi import FastAPI

from database import Database
from listen_notify import DeliveryNotifications
from long_poll import DeliveryLongPoll
from migrate import Schema
from repositories.account_record_repository import AccountRecordRepository
from repositories.command_repository import CommandRepository
from repositories.credential_repository import CredentialRepository
from repositories.delivery_repository import DeliveryRepository
from repositories.event_administration_repository import EventAdministrationRepository
from repositories.event_repository import EventRepository
from repositories.exported_user_repository import ExportedUserRepository
from repositories.forgotten_user_repository import ForgottenUserRepository
from repositories.lease_repository import LeaseRepository
from repositories.mail_token_repository import MailTokenRepository
from repositories.outbox_retention_repository import OutboxRetentionRepository
from repositories.preference_repository import PreferenceRepository
from repositories.profile_repository import ProfileRepository
from repositories.registration_repository import RegistrationRepository
from repositories.task_repository import TaskRepository
from repositories.tool_library_repository import ToolLibraryRepository
from repositories.tool_repository import ToolRepository
from repositories.user_repository import UserRepository
from routes import (
    account_records,
    credentials,
    deliveries,
    event_administration,
    events,
    exported_users,
    forgotten_users,
    mail_tokens,
    outbox_retention,
    preferences,
    profiles,
    registrations,
    task_runs,
    tasks,
    tools,
    users,
)
from settings import Settings
from shared.kit import Service
from shared.kit.contract_registry import contract_registry


def app() -> FastAPI:
    settings = Settings()
    service = Service(settings)

    database = service.resource(Database(settings))
    notifications = DeliveryNotifications(settings)
    service.background(Schema(settings, database).prepare)
    service.background(notifications.listen)
    service.ready("postgres", database.ping)

    commands = CommandRepository(database, EventRepository(contract_registry().routing))
    queue = DeliveryRepository(database, settings.retry_policy())
    claiming = DeliveryLongPoll(
        queue, notifications, service.stopping, fallback=settings.claim_fallback
    )

    # A request is compared with the routes in their order: the most called are first.
    service.api.include_router(users.router(UserRepository(database, commands)))
    service.api.include_router(deliveries.router(queue, claiming))
    service.api.include_router(credentials.router(CredentialRepository(database, commands)))
    tokens = MailTokenRepository(database)
    service.api.include_router(mail_tokens.router(tokens))
    service.api.include_router(
        registrations.router(RegistrationRepository(database, commands), tokens)
    )
    service.api.include_router(profiles.router(ProfileRepository(database, commands)))
    service.api.include_router(preferences.router(PreferenceRepository(database, commands)))
    service.api.include_router(events.router(commands))
    service.api.include_router(outbox_retention.router(OutboxRetentionRepository(database)))
    consumers = sorted({name for names in contract_registry().routing.values() for name in names})
    administration = EventAdministrationRepository(database, commands, consumers)
    service.shows_backlog(administration.backlog)
    service.api.include_router(event_administration.router(administration))
    service.api.include_router(exported_users.router(ExportedUserRepository(database)))
    background_tasks = TaskRepository(database, commands)
    service.api.include_router(task_runs.router(background_tasks))
    service.api.include_router(tasks.router(background_tasks, LeaseRepository(database)))
    service.api.include_router(account_records.router(AccountRecordRepository(database)))
    service.api.include_router(forgotten_users.router(ForgottenUserRepository(database)))
    service.api.include_router(tools.router(ToolRepository(database, commands)))
    service.api.include_router(tools.library_router(ToolLibraryRepository(database, commands)))
    return service.api
