"""What stands before others, or takes what they send out."""

from __future__ import annotations

import urllib.parse

from talk import given, http, well


class Nginx:
    """It is told nothing: it spreads its callers over two replicas, each of which says who it is."""

    def write(self, key: str, value: str) -> str:
        return self.read(key)

    def server(self) -> str:
        return str(http("GET", given("url"))[2]["Server"]).replace("/", " ")

    def read(self, key: str) -> str:
        answers = [http("GET", given("url")) for _ in range(20)]
        bad = [status for status, _, _ in answers if status != 200]
        return str(bad) if bad else f"{len({body for _, body, _ in answers})} replicas"


class Traefik(Nginx):
    def server(self) -> str:
        about = well(http("GET", urllib.parse.urljoin(given("dashboard_url"), "/api/version")))
        return f"Traefik {about['Version']}"


class Mailpit:
    def write(self, key: str, value: str) -> None:
        import smtplib
        from email.message import EmailMessage

        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", key
        message.set_content(value)
        with smtplib.SMTP(given("smtp_host"), int(given("smtp_port")), timeout=10) as server:
            server.send_message(message)

    def server(self) -> str:
        return f"Mailpit {well(http('GET', given('api_url') + '/api/v1/info'))['Version'].lstrip('v')}"

    def read(self, key: str) -> str:
        found = well(http("GET", f"{given('api_url')}/api/v1/search?query=subject:{key}"))["messages"]
        return well(http("GET", f"{given('api_url')}/api/v1/message/{found[0]['ID']}"))["Text"].strip() if found else ""
