"""Identity: a token is asked for and proven, as the services that are handed it do."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

from talk import given, http, well


def claims(token: str) -> dict[str, Any]:
    """What a token says, once its signature and issuer are proven by what the server publishes."""
    import jwt

    keys = well(http("GET", given("jwks_url")))["keys"]
    wanted = jwt.get_unverified_header(token)["kid"]
    key = next(jwt.PyJWK(each) for each in keys if each["kid"] == wanted)
    options: Any = {"verify_aud": False}
    return dict(jwt.decode(token, key.key, algorithms=["RS256"], issuer=given("issuer"), options=options))


class Oidc:
    """It is told nothing: whoever asks is given a token, and that is proven."""

    def write(self, key: str, value: str) -> str:
        return self.read(key)

    def read(self, key: str) -> str:
        form = {"grant_type": "client_credentials", "client_id": "reader", "client_secret": "any", "scope": "all"}
        body = urllib.parse.urlencode(form).encode()
        answer = well(http("POST", given("token_url"), body, Content_Type="application/x-www-form-urlencoded"))
        return f"a token of {claims(answer['access_token'])['iss']}"


class Keycloak:
    def _token(self) -> str:
        form = {
            "grant_type": "password",
            "client_id": "admin-cli",
            "username": given("user"),
            "password": given("password"),
        }
        body = urllib.parse.urlencode(form).encode()
        answer = well(http("POST", given("token_url"), body, Content_Type="application/x-www-form-urlencoded"))
        claims(answer["access_token"])
        return f"Bearer {answer['access_token']}"

    def write(self, key: str, value: str) -> None:
        body = {"realm": key, "displayName": value, "enabled": True}
        well(http("POST", f"{given('url')}/admin/realms", body, Authorization=self._token()))

    def server(self) -> str:
        about = well(http("GET", f"{given('url')}/admin/serverinfo", Authorization=self._token()))
        return f"Keycloak {about['systemInfo']['version']}"

    def read(self, key: str) -> str:
        status, body, _ = http("GET", f"{given('url')}/admin/realms/{key}", Authorization=self._token())
        return json.loads(body)["displayName"] if status == 200 else ""
