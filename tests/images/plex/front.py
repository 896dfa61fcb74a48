"""Who this is, and what there is to see."""

import os

import uvicorn
from fastapi import FastAPI, Response

app = FastAPI()


@app.get("/identity")
def identity() -> Response:
    return Response(f'<MediaContainer version="{os.environ["VERSION"]}"/>', media_type="text/xml")


@app.get("/library")
def library() -> list[str]:
    return sorted(os.listdir("/media"))


uvicorn.run(app, host="0.0.0.0", port=32400)
