"""The catalogue of tools, the favourites of users, and launches."""

import re
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import Url, ValidationError

from shared.models.base import (
    EventPayload,
    Instant,
    Internal,
    Line,
    Network,
    PublicChange,
    PublicRequest,
    Response,
    VisibleLine,
)
from shared.models.user import Role

TOOL_NAME_MAX_LENGTH = 100
TOOL_SUMMARY_MAX_LENGTH = 300
TOOL_CATEGORY_MAX_LENGTH = 50
TOOL_URL_MAX_LENGTH = 2000
TOOL_SEARCH_MAX_LENGTH = 100
TOOL_USERS_MAX = 200
TOOL_PAGE_DEFAULT = 50
TOOL_PAGE_MAX = 200
RECENT_DEFAULT = 10
RECENT_MAX = 50
LAUNCHES_PAGE_DEFAULT = 50
LAUNCHES_PAGE_MAX = 500

ToolAccess = Literal["all", "except", "only"]
"""Who may open a tool: all users, all but those listed, or only those listed."""

ToolIcon = Literal[
    "book",
    "calendar",
    "chart",
    "chat",
    "cloud",
    "code",
    "database",
    "document",
    "folder",
    "globe",
    "image",
    "key",
    "mail",
    "map",
    "money",
    "people",
    "shield",
    "terminal",
    "video",
    "wrench",
]
"""The icons that the fronts can draw."""

_NUMBER_AT_THE_END = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$", re.IGNORECASE)
_LOCAL_ENDINGS = (".localhost", ".local", ".internal", ".home.arpa", ".lan", ".home", ".corp")


def _public_host(host: str) -> bool:
    if host.startswith("[") or _NUMBER_AT_THE_END.search(host):
        address = ip_address(host.strip("[]"))
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address
        return address.is_global and not address.is_multicast
    name = host.rstrip(".")
    return "." in name and not name.endswith(_LOCAL_ENDINGS)


def _https_address(text: str) -> str:
    # The parser of the WHATWG, as in browsers: what it makes of the text is what a browser opens.
    try:
        url = Url(text)
    except ValidationError:
        raise ValueError("must be a URL, like https://tools.example.org/board") from None
    if url.scheme != "https":
        raise ValueError("must begin with https://")
    if url.username is not None or url.password is not None:
        raise ValueError("must not contain credentials")
    if not url.host or not _public_host(url.host):
        raise ValueError("must not point to a private or local host")
    if len(str(url)) > TOOL_URL_MAX_LENGTH:
        raise ValueError(f"must have at most {TOOL_URL_MAX_LENGTH} characters once it is encoded")
    return str(url)


ToolName = Annotated[
    VisibleLine,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TOOL_NAME_MAX_LENGTH),
]
ToolSummary = Annotated[
    VisibleLine,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TOOL_SUMMARY_MAX_LENGTH),
]
ToolCategory = Annotated[
    VisibleLine,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TOOL_CATEGORY_MAX_LENGTH),
]
ToolUrl = Annotated[
    Line,
    StringConstraints(strip_whitespace=True, max_length=TOOL_URL_MAX_LENGTH),
    AfterValidator(_https_address),
]
"""An https address without credentials, on a public host; in the form that browsers give it.

Private, loopback and single-label hosts are refused. A name is not resolved: only browsers open it.
"""

ListedRoles = Annotated[list[Role], Field(max_length=2)]
ListedUsers = Annotated[list[UUID], Field(max_length=TOOL_USERS_MAX)]


class ToolCreate(PublicRequest):
    """A new tool. With `access` `except` or `only`, `roles` and `user_ids` list for whom."""

    name: ToolName
    summary: ToolSummary
    category: ToolCategory
    icon: ToolIcon | None = None
    url: ToolUrl
    access: ToolAccess = "all"
    roles: ListedRoles = Field(default_factory=list)
    user_ids: ListedUsers = Field(default_factory=list)


class ToolUpdate(PublicChange):
    """The fields to change. An absent field is kept; null clears the icon.

    With `expected_version` the tool changes only while it has this version.
    """

    optional = frozenset({"icon"})

    expected_version: int | None = Field(default=None, ge=1)
    name: ToolName | None = None
    summary: ToolSummary | None = None
    category: ToolCategory | None = None
    icon: ToolIcon | None = None
    url: ToolUrl | None = None
    access: ToolAccess | None = None
    roles: ListedRoles | None = None
    user_ids: ListedUsers | None = None


class ToolFields(Internal):
    """What an admin says of a tool."""

    name: ToolName
    summary: ToolSummary
    category: ToolCategory
    icon: ToolIcon | None = None
    url: ToolUrl
    access: ToolAccess
    roles: ListedRoles
    user_ids: ListedUsers


class WriteTool(ToolFields):
    """A whole tool to store."""

    tool_id: UUID


class DeleteTool(Internal):
    """The tool to remove, with its favourites and its count of launches."""

    tool_id: UUID


class AdministeredTool(Response):
    """A tool as an admin sees it; `launches` counts those of all users."""

    id: UUID
    name: str
    summary: str
    category: str
    icon: ToolIcon | None
    url: str
    access: ToolAccess
    roles: list[Role]
    user_ids: list[UUID]
    launches: int
    version: int
    created_at: Instant
    updated_at: Instant


class AdministeredToolPage(Response):
    """Tools, newest first; `next` is the `before` of the following page, null at the end."""

    items: list[AdministeredTool]
    next: str | None


class ToolCard(Response):
    """A tool as its users see it; `launches` counts those of all users."""

    id: UUID
    name: str
    summary: str
    category: str
    icon: ToolIcon | None
    favourite: bool
    launches: int


class ToolPage(Response):
    """Tools, newest first; `next` is the `before` of the following page, null at the end."""

    items: list[ToolCard]
    next: str | None


class ToolCategories(Response):
    """The categories of the tools that a user may open, sorted."""

    items: list[str]


class FindTools(Internal):
    """The tools that a user of this role may open, of these ids."""

    role: Role
    tool_ids: list[UUID] = Field(max_length=RECENT_MAX)


class FoundTools(Internal):
    """The tools that were found, in the order of the request."""

    items: list[ToolCard]


class SetFavourite(Internal):
    """Make a tool a favourite of a user, or one no longer.

    Only a tool that a user of this role may open becomes a favourite.
    """

    role: Role
    favourite: bool


class FavouriteSet(Internal):
    """Whether the tool is a favourite."""

    favourite: bool


class LaunchTool(Internal):
    """Count a launch of a tool, if a user of this role may open it."""

    tool_id: UUID
    role: Role


class LaunchedTool(Response):
    """The address that the browser opens."""

    url: str


class RecentTool(ToolCard):
    """A tool and when the user launched it last."""

    launched_at: Instant


class RecentTools(Response):
    """The tools that the user launched last, each once, the latest first.

    `next` is null: the list ends after what was asked for.
    """

    items: list[RecentTool]
    next: str | None = None


class Launch(Internal):
    """A launch of a tool by a user."""

    tool_id: UUID
    launched_at: Instant


class LastLaunches(Internal):
    """The tools that a user launched last, each once, the latest first."""

    items: list[Launch]


class LaunchPage(Internal):
    """Launches of a user, newest first; `next` is the `before` of the following page."""

    items: list[Launch]
    next: str | None


class ToolCreated(EventPayload):
    """`tool.created`, by the admin `actor_id`."""

    tool_id: UUID
    actor_id: UUID
    name: str
    network: Network


class ToolUpdated(EventPayload):
    """`tool.updated`, by the admin `actor_id`, with the names of the fields that changed."""

    tool_id: UUID
    actor_id: UUID
    name: str
    changed: list[str]
    network: Network


class ToolDeleted(EventPayload):
    """`tool.deleted`, by the admin `actor_id`."""

    tool_id: UUID
    actor_id: UUID
    name: str
    network: Network


class ToolLaunched(EventPayload):
    """`tool.launched`: the user opened the tool."""

    user_id: UUID
    tool_id: UUID
