"""What a build is told, and what is told of it, by each of the builders there may be."""

from __future__ import annotations

import pytest

from devbox.domain.container import BuildSpec, Ulimit
from devbox.domain.errors import StepError
from devbox.runtimes.docker.builders import Builder, find_builder, flags
from devbox.runtimes.docker.buildoutput import BuildKitOutput

OLD, BUILDX, ENGINE = Builder("/usr/bin/docker"), Builder("/usr/bin/docker", buildx=True), Builder()
LIMITED = BuildSpec("/x", ulimits=(Ulimit("nofile", 1, 2),), shm_size=4096, privileged=True)

MIXED = """\
#5 [one 2/3] RUN a
#5 sha256:1a78a28f2e2ea449f923e89dac1a1bd0226fdeda347b9e5ddd49bbd3348ad542
#5 0.101 of a
#5 DONE 0.2s

#6 [one 3/3] RUN b
#7 [two 2/2] RUN c
#6 0.201 of b
#7 0.202 of c
#6 ...
#6 0.301 more of b
#6 ERROR: process "/bin/sh -c b" did not complete successfully: exit code: 7
#7 CANCELED
------
 > [one 3/3] RUN b:
------
ERROR: failed to solve
"""


def test_of_steps_at_once_the_failed_one_is_told_with_its_own_lines() -> None:
    output = BuildKitOutput()
    for line in MIXED.splitlines():
        output.take(line)
    failure = output.failed("it").failure
    assert failure.message == "building it failed at: RUN b"
    words = 'process "/bin/sh -c b" did not complete successfully: exit code: 7'
    assert failure.tail == ("of b", "more of b", words)


def test_a_failure_of_no_step_is_told_by_the_last_lines() -> None:
    output = BuildKitOutput()
    for line in ("#1 [internal] load build definition", "#1 DONE 0.0s", "failed to solve: parse error"):
        output.take(line)
    failure = output.failed("it").failure
    assert (failure.message, failure.tail) == ("building it failed", ("failed to solve: parse error",))


def test_buildx_is_told_of_all_and_leaves_nothing_out() -> None:
    said = flags(BUILDX, LIMITED, {})
    assert {"--ulimit=nofile=1:2", "--shm-size=4096", "--allow=security.insecure"} <= set(said)
    assert list(BUILDX.leaves_out(LIMITED)) == []


def test_what_an_older_buildkit_would_ignore_is_not_asked_of_it() -> None:
    assert flags(OLD, LIMITED, {}) == []
    assert [note.rpartition(".")[2] for note in OLD.leaves_out(LIMITED)] == ["ulimits", "shm_size", "privileged"]


@pytest.mark.parametrize("key", ["additional_contexts", "cache_to", "entitlements", "no_cache_filter"])
def test_buildx_alone_has_it(key: str) -> None:
    build = BuildSpec("/x", **{key: (("a", "b"),)})  # type: ignore[arg-type]
    BUILDX.check(build, "it")
    for builder in (OLD, ENGINE):
        with pytest.raises(StepError, match=rf"it: build\.{key} needs"):
            builder.check(build, "it")


def test_who_wants_no_buildkit_gets_none() -> None:
    assert find_builder({"DOCKER_BUILDKIT": "0", "PATH": "/usr/bin:/bin"}) == ENGINE
    assert find_builder({"PATH": "/usr/bin:/bin"}, engine_has_buildkit=False) == ENGINE
