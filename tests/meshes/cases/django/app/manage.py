"""All of a Django project in one file."""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(DEBUG=True, SECRET_KEY="of a test", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__)


def files(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Hello from Django at {request.path}, among {sorted(os.listdir())}")


urlpatterns = [path("", files)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
