import os

from flask import Flask
from pymongo import MongoClient

app = Flask(__name__)
visits = MongoClient("mongo:27017").mesh.visits


@app.get("/")
def visit() -> str:
    visits.insert_one({"of": "the page"})
    return f"Hello from MongoDB, visit {visits.count_documents({})}"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ["FLASK_SERVER_PORT"]))
