# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Who reads from InfluxDB."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["LOGIN_VARIABLES", "InfluxLogin", "LoginError"]

LOGIN_VARIABLES = {
    "user": "SASQUATCH_INFLUXDB_USER",
    "password": "SASQUATCH_INFLUXDB_PASSWORD",
    "token": "SASQUATCH_INFLUXDB_TOKEN",
}
"""Environment variables that are read where nothing else is given."""


class LoginError(RuntimeError):
    """A user, password or token cannot be used as it is given."""


@dataclass(frozen=True)
class InfluxLogin:
    """A user with a password, or a token; or neither, for databases that ask for none.

    Parameters
    ----------
    user
        Name of the user; None for none.
    password, token
        Secrets, which do not show themselves.

    Raises
    ------
    LoginError
        Raised if there is a user without a password or the other way round, a token besides, or a character
        that may not be sent.
    """

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.user is None) != (self.password is None):
            given, lacking = ("user", "password") if self.password is None else ("password", "user")
            raise LoginError(
                f"a {given} is given, but no {lacking}; it may be in ${LOGIN_VARIABLES[lacking]}"
            )
        if self.token is not None and self.user is not None:
            raise LoginError("both a user and a token are given; expected one of them")
        for name in ("user", "password", "token"):
            value = getattr(self, name)
            if value is not None and not (value and value.isprintable()):
                raise LoginError(f"the {name} is empty or has characters that cannot be sent")
        if self.token is not None and not self.token.isascii():
            raise LoginError("the token has characters that cannot be sent")
        if self.user is not None and ":" in self.user:
            raise LoginError("the user has a colon in its name, which cannot be sent")

    @classmethod
    def find(
        cls,
        user: str | None = None,
        passwordFile: str | Path | None = None,
        tokenFile: str | Path | None = None,
    ) -> InfluxLogin:
        """Collect what is given, and where nothing is given what the environment variables hold.

        Parameters
        ----------
        user
            Name of the user.
        passwordFile, tokenFile
            Files that hold nothing but the password or the token.

        Returns
        -------
        login
            The login.

        Raises
        ------
        LoginError
            Raised if a file cannot be read, or what is found does not go together.
        """
        if tokenFile is not None:
            return cls(user=user, token=_readSecret("token", tokenFile))
        if passwordFile is not None:
            user = user or os.environ.get(LOGIN_VARIABLES["user"])
            return cls(user=user, password=_readSecret("password", passwordFile))
        if user is not None:
            return cls(user=user, password=os.environ.get(LOGIN_VARIABLES["password"]))
        return cls(**{name: os.environ.get(variable) for name, variable in LOGIN_VARIABLES.items()})

    @property
    def isSecret(self) -> bool:
        """Whether there is anything to keep secret."""
        return self.password is not None or self.token is not None

    def headers(self) -> dict[str, str]:
        """Headers of a request that say who asks."""
        if self.token is not None:
            return {"Authorization": f"Bearer {self.token}"}
        if self.user is None:
            return {}
        text = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {text}"}

    def hide(self, text: str) -> str:
        """Take the secrets out of a text, should they be in it."""
        for secret in (self.password, self.token):
            if secret is not None:
                text = text.replace(secret, "***")
        return text


def _readSecret(name: str, file: str | Path) -> str:
    """Read the one line of a file."""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise LoginError(f"the file of the {name}, {file}, cannot be read: {reason}") from None
