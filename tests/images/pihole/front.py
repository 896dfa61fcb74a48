"""A name server that asks those in PIHOLE_DNS_ and answers 0.0.0.0 for blocked names, and a page that tells of it."""

import os
import subprocess
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException

SERVERS = os.environ["PIHOLE_DNS_"].split(";")
lists = Path("/etc/pihole/custom.list")
lists.touch()
blocked = [f"--address=/{name}/0.0.0.0" for name in lists.read_text().split()]
server = subprocess.Popen(
    [
        "dnsmasq",
        "-k",
        "-u",
        "root",
        "-R",
        "-o",
        "--conf-dir=/etc/dnsmasq.d",
        *blocked,
        *(f"--server={each}" for each in SERVERS),
    ]
)
app = FastAPI()


@app.get("/admin/api")
def settings(auth: str) -> dict[str, list[str]]:
    if auth != os.environ["WEBPASSWORD"]:
        raise HTTPException(401)
    return {"upstreams": SERVERS}


uvicorn.run(app, host="0.0.0.0", port=80)
server.terminate()
