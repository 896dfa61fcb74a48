"""Clouds, emulated: the same word is kept in a store and in a queue."""

from __future__ import annotations

from typing import Any

from talk import given, http


class Aws:
    def _service(self, name: str) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            name,
            endpoint_url=given("endpoint_url"),
            region_name=given("region"),
            aws_access_key_id=given("access_key"),
            aws_secret_access_key=given("secret_key"),
            config=Config(s3={"addressing_style": "path"}, proxies={}),
        )

    def write(self, key: str, value: str) -> None:
        store, queues = self._service("s3"), self._service("sqs")
        store.create_bucket(Bucket=key)
        store.put_object(Bucket=key, Key="word", Body=value.encode())
        queue = queues.create_queue(QueueName=key)["QueueUrl"]
        queues.send_message(QueueUrl=queue, MessageBody=value)

    def read(self, key: str) -> str:
        store, queues = self._service("s3"), self._service("sqs")
        if key not in [bucket["Name"] for bucket in store.list_buckets()["Buckets"]]:
            return ""
        queue = queues.get_queue_url(QueueName=key)["QueueUrl"]
        said = queues.receive_message(QueueUrl=queue, VisibilityTimeout=0)["Messages"][0]["Body"]
        stored = store.get_object(Bucket=key, Key="word")["Body"].read().decode()
        return stored if stored == said else f"{stored} is not {said}"


class Azure:
    def _services(self) -> tuple[Any, Any]:
        from azure.storage.blob import BlobServiceClient
        from azure.storage.queue import QueueServiceClient

        text = given("connection_string")
        return BlobServiceClient.from_connection_string(text), QueueServiceClient.from_connection_string(text)

    def write(self, key: str, value: str) -> None:
        blobs, queues = self._services()
        blobs.create_container(key).upload_blob("word", value.encode())
        queues.create_queue(key).send_message(value)

    def server(self) -> str:
        _, _, headers = http("GET", f"{given('url')}?comp=list")
        return str(headers["Server"]).replace("-Blob/", " ")

    def read(self, key: str) -> str:
        blobs, queues = self._services()
        if key not in [container.name for container in blobs.list_containers()]:
            return ""
        said = queues.get_queue_client(key).peek_messages()[0].content
        stored = blobs.get_blob_client(key, "word").download_blob().readall().decode()
        return stored if stored == said else f"{stored} is not {said}"
