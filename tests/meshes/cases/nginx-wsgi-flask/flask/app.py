from flask import Flask, request

app = Flask(__name__)


@app.get("/flask-health-check")
def health() -> str:
    return "success"


@app.get("/")
def home() -> str:
    return f"Hello from {request.environ['SERVER_SOFTWARE']} to {request.host}"
