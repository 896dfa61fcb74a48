"""Who may open the engine's socket, and how one comes to be among them."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a socket is not open to us, and the command that changes it."""

    seen: str
    mend: str


def refusal(path: str) -> Refusal | None:
    """What keeps this user from a socket that is there; None where nothing does, or none is there."""
    try:
        about = os.stat(path)
    except PermissionError:
        folder = os.path.dirname(path)
        return Refusal(f"you may not look into {folder}", f"`sudo chmod a+x {folder}` opens it.")
    except OSError:
        return None
    if os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        return None
    owner, group = _user(about.st_uid), _group(about.st_gid)
    seen = f"the socket is there, but {stat.filemode(about.st_mode)} {owner}:{group}, not open to {_user(os.geteuid())}"
    return Refusal(seen, _way_in(path, about, group))


def _way_in(path: str, about: os.stat_result, group: str) -> str:
    user = _user(os.geteuid())
    if about.st_gid == 0 or not about.st_mode & stat.S_IWGRP:
        # The engine gives its socket to the group `docker` as it starts, where there is one.
        return (
            f"`sudo groupadd -f docker && sudo usermod -aG docker {user} && sudo chgrp docker {path} && "
            f"sudo chmod 660 {path}`, then log in again or `newgrp docker`"
        )
    if _was_added(user, about.st_gid):
        return f"`newgrp {group}`, or log in again: you were added to that group after this session began"
    return f"`sudo usermod -aG {group} {user}`, then log in again or `newgrp {group}`"


def _was_added(user: str, group: int) -> bool:
    """Whether the user is a member of the group by now, though this process is not."""
    try:
        return user in grp.getgrgid(group).gr_mem and group not in os.getgroups()
    except KeyError:
        return False


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
