"""A status page, and searches passed on."""

import os
import urllib.request

import uvicorn
from fastapi import FastAPI, Response

SERVER = os.environ.get("ELASTICSEARCH_HOSTS", "http://elasticsearch:9200")
app = FastAPI()


@app.get("/api/status")
def status(response: Response) -> dict[str, str]:
    try:
        with urllib.request.urlopen(SERVER, timeout=5):
            return {"level": "available"}
    except OSError as exc:
        response.status_code = 503
        return {"level": "unavailable", "why": str(exc)}


@app.get("/search/{index}")
def search(index: str) -> Response:
    with urllib.request.urlopen(f"{SERVER}/{index}/_search", timeout=10) as answer:
        return Response(answer.read(), media_type="application/json")


uvicorn.run(app, host="0.0.0.0", port=5601)
