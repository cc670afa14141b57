"""Where the server is and which key it takes: what is given, else the environment, else a saved profile.

Profiles are in one file, which only its owner may read: `profiles.json` in the folder of the system for settings
(`~/.config/sightlog` on Linux).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from sightlog import whole
from sightlog.errors import InvalidInput, NotSignedIn, SightlogError

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_NAME = "default"


@dataclass(frozen=True)
class Profile:
    """`url` is that of the server, with its path prefix if it has one, without a slash at the end.

    NotSignedIn where the key has spaces or signs that no header can carry.
    """

    url: str
    api_key: str

    def __post_init__(self) -> None:
        if not (self.api_key.isascii() and self.api_key.isprintable()) or " " in self.api_key:
            raise NotSignedIn(f"What is given for {self.url} is no API key: it has spaces or signs that none has.")

    def __repr__(self) -> str:
        return f"Profile(url={self.url!r}, api_key='…')"


def file() -> Path:
    return platformdirs.user_config_path("sightlog") / "profiles.json"


def find(url: str | None = None, api_key: str | None = None, profile: str | None = None) -> Profile:
    """The server and key to use. A named profile comes before the environment (SIGHTLOG_URL, SIGHTLOG_API_KEY, and
    SIGHTLOG_PROFILE for its name), and what is given before both. A saved key goes to no other server than its own.

    NotSignedIn where no key is known; InvalidInput where the URL can be none of a server.
    """
    url, api_key = (url or "").strip(), (api_key or "").strip()
    if not profile:
        url = url or os.environ.get("SIGHTLOG_URL", "").strip()
        api_key = api_key or os.environ.get("SIGHTLOG_API_KEY", "").strip()
    url = url and address(url)
    if api_key:
        return Profile(url or DEFAULT_URL, api_key)
    asked = profile or os.environ.get("SIGHTLOG_PROFILE")
    name = asked or DEFAULT_NAME
    saved = load().get(name)
    if saved is None:
        raise NotSignedIn(
            f"There is no profile {name!r}: `sightlog login --profile {name}` makes it."
            if asked
            else "No API key is known: set SIGHTLOG_API_KEY, or run `sightlog login`."
        )
    if url and url != saved.url:
        raise NotSignedIn(f"The profile {name!r} is of {saved.url}, not of {url}: give the key for {url} too.")
    return saved


def address(url: str) -> str:
    """The URL of a server, without a slash at the end; InvalidInput where it can be none."""
    tidy = url.strip().rstrip("/")
    try:
        parts = urlsplit(tidy)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or parts.username or parts.query or parts.fragment:
        raise InvalidInput(f"{url!r} is no URL of a server: write https://host or http://host:8000.", field="url")
    return tidy


def load() -> dict[str, Profile]:
    """All saved profiles by their names; SightlogError where the file cannot be understood."""
    path = file()
    try:
        found = json.loads(path.read_bytes())
        return {name: Profile(one["url"], one["api_key"]) for name, one in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SightlogError(f"The profiles in {path} cannot be read: {error}. Mend or remove the file.") from error


def save(name: str, profile: Profile) -> Path:
    """Keeps the profile, in place of one of the same name; where it is."""
    return _write({**load(), name: profile})


def remove(name: str) -> bool:
    """Whether there was one."""
    known = load()
    if known.pop(name, None) is None:
        return False
    _write(known)
    return True


def _write(profiles: dict[str, Profile]) -> Path:
    path = file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps({name: {"url": one.url, "api_key": one.api_key} for name, one in profiles.items()}, indent=2)
    whole.write(path, text + "\n")
    return path
