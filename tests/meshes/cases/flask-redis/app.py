from flask import Flask
from redis import Redis

app = Flask(__name__)
redis = Redis(host="redis", port=6379)


@app.get("/")
def hello() -> str:
    return f"This webpage has been viewed {redis.incr('hits')} time(s)"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=8000)
