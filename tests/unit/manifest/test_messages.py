"""Every message that the reading of a manifest can end with is shown by a test, with its place and its caret."""

from __future__ import annotations

from pathlib import Path

import pytest

from devbox.domain.errors import ManifestError
from tests.unit.manifest.messages import Message, messages
from tests.unit.manifest.reading import Folder, as_printed

MESSAGES = messages()


@pytest.mark.parametrize("message", MESSAGES, ids=map(str, MESSAGES))
def test_a_message_is_shown(message: Message) -> None:
    """Whoever adds a message adds a test that shows it: here, or beside what it is about."""
    assert message.is_shown()


def test_messages_are_found() -> None:
    """The search itself: it looks everywhere, and does not find what no test shows."""
    assert {message.file for message in MESSAGES} >= {"parse.py", "ports.py", "keys.py", "values.py", "extends.py"}
    assert not Message("x.py", 1, "no such message at all").is_shown()


def test_container_name_and_replicas(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {image: x, container_name: only, scale: 2}
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:2:19: 2 replicas of web cannot share one container_name
            2 |   web: {image: x, container_name: only, scale: 2}
              |                   ^^^^^^^^^^^^^^
              hint: Leave container_name out.
        """
    )


def test_build(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            image: x
            build:
              context: .
              dockerfile: Dockerfile
              dockerfile_inline: FROM scratch
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:7:7: dockerfile and dockerfile_inline cannot both be given
            7 |       dockerfile_inline: FROM scratch
              |       ^^^^^^^^^^^^^^^^^
              hint: Leave one of them out.
        """
    )


def test_hosts_devices_and_limits(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            image: x
            extra_hosts: [db]
            devices: [{target: /dev/x}]
            gpus: [{count: 1, device_ids: ["0"]}]
            ulimits: {nofile: {soft: 1024}}
            blkio_config: {device_read_bps: [{path: /dev/sda}]}
            post_start: [{user: root}]
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:4:19: "db" is no host
            4 |     extra_hosts: [db]
              |                   ^^
              hint: Write name=address, for example db=10.0.0.7.
        devbox.yaml:5:15: a device needs a source
            5 |     devices: [{target: /dev/x}]
              |               ^^^^^^^^^^^^^^^^
              hint: source is the device's path on the host.
        devbox.yaml:6:13: count and device_ids cannot both be given
            6 |     gpus: [{count: 1, device_ids: ["0"]}]
              |             ^^^^^
              hint: Leave one of them out.
        devbox.yaml:7:15: the ulimit nofile needs soft and hard
            7 |     ulimits: {nofile: {soft: 1024}}
              |               ^^^^^^
        devbox.yaml:8:38: an item of device_read_bps needs path and rate
            8 |     blkio_config: {device_read_bps: [{path: /dev/sda}]}
              |                                      ^^^^^^^^^^^^^^^^
        devbox.yaml:9:18: an item of post_start needs a command
            9 |     post_start: [{user: root}]
              |                  ^^^^^^^^^^^^
        """
    )


def test_env_file_without_a_path(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {image: x, env_file: [{required: false}]}
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:2:30: an env_file needs a path
            2 |   web: {image: x, env_file: [{required: false}]}
              |                              ^^^^^^^^^^^^^^^^^
        """
    )


def test_port_of_a_check(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {command: x, health: {http: ":70000/healthz"}}
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:2:36: there is no port 70000
            2 |   web: {command: x, health: {http: ":70000/healthz"}}
              |                                    ^^^^^^^^^^^^^^^^
        """
    )


def test_include_of_an_empty_text(folder: Folder) -> None:
    found = folder.errors(
        """
        include: [{path: ""}]
        services: {web: {image: x}}
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:1:18: path must be a text, this is an empty text
            1 | include: [{path: ""}]
              |                  ^^
        """
    )


def test_local_without_a_command(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {image: x, local: {working_dir: .}}
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:2:26: local does not say which command
            2 |   web: {image: x, local: {working_dir: .}}
              |                          ^^^^^^^^^^^^^^^^
        """
    )


def test_mounts_in_short_form(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            image: x
            tmpfs: "/run:size=1m,sticky"
            volumes:
              - "a:b:c:d"
              - "data:here"
              - "data:/data:rx"
        volumes: {data: {}}
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:4:26: tmpfs has no option "sticky"
            4 |     tmpfs: "/run:size=1m,sticky"
              |                          ^^^^^^
              hint: Known: size, mode.
        devbox.yaml:6:9: "a:b:c:d" is not a volume
            6 |       - "a:b:c:d"
              |         ^^^^^^^^^
              hint: Write NAME:/path, ./here:/path or /path, with :ro to forbid writing.
        devbox.yaml:7:15: "here" is not a path in a container
            7 |       - "data:here"
              |               ^^^^
              hint: The path in the container begins with /.
        devbox.yaml:8:21: a volume has no mode "rx"
            8 |       - "data:/data:rx"
              |                     ^^
              hint: Known: ro, rw, z, Z, nocopy, and the kinds of propagation.
        """
    )


def test_mounts_in_long_form(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            image: x
            volumes:
              - {type: volume, source: data}
              - {type: bind, target: /srv}
              - {type: image, target: /pipe}
              - {type: tmpfs, target: /tmp, tmpfs: {mode: 99999}}
              - {type: tmpfs, target: /run, tmpfs: {mode: "rwx"}}
        volumes: {data: {}}
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:5:9: a volume in long form needs a target
            5 |       - {type: volume, source: data}
              |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              hint: target is the path in the container.
        devbox.yaml:6:9: a bind mount needs a source
            6 |       - {type: bind, target: /srv}
              |         ^^^^^^^^^^^^^^^^^^^^^^^^^^
              hint: source is the path on the host.
        devbox.yaml:7:9: a volume of type image needs a source
            7 |       - {type: image, target: /pipe}
              |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              hint: source is the name of the image.
        devbox.yaml:9:51: "rwx" is no file mode
            9 |       - {type: tmpfs, target: /run, tmpfs: {mode: "rwx"}}
              |                                                   ^^^^^
              hint: Write it in octal: 0440.
        """
    )


def test_many_ports(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {image: x, ports: ["1-5000", "2000-2999", "3000-3001"]}
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:2:28: 1-5000 is a range of more than 1000 ports
            2 |   web: {image: x, ports: ["1-5000", "2000-2999", "3000-3001"]}
              |                            ^^^^^^
        devbox.yaml:2:50: these are more than 1000 ports
            2 |   web: {image: x, ports: ["1-5000", "2000-2999", "3000-3001"]}
              |                                                  ^^^^^^^^^^^
        """
    )


def test_secrets_and_configs(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            image: x
            secrets: [{target: key}, nokey, token, out]
            configs: [conf]
            networks: [backk]
            volumes: ["dta:/data"]
        networks: {back: {}}
        volumes: {data: {}}
        secrets: {key: {}, both: {file: a, content: b}, out: {external: true}, token: {environment: TOKEN}}
        configs: {conf: {content: x}}
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:4:15: an item of secrets needs a source
            4 |     secrets: [{target: key}, nokey, token, out]
              |               ^^^^^^^^^^^^^
              hint: source is a key of the secrets below.
        devbox.yaml:4:30: there is no secret nokey
            4 |     secrets: [{target: key}, nokey, token, out]
              |                              ^^^^^
              hint: Did you mean key?
        devbox.yaml:6:16: web uses the network backk, which is not declared
            6 |     networks: [backk]
              |                ^^^^^
              hint: Did you mean back?
        devbox.yaml:7:16: web uses the volume dta, which is not declared
            7 |     volumes: ["dta:/data"]
              |                ^^^
              hint: Did you mean data?
        devbox.yaml:10:16: the secret key does not say where it comes from
           10 | secrets: {key: {}, both: {file: a, content: b}, out: {external: true}, token: {environment: TOKEN}}
              |                ^^
              hint: Give it exactly one of file, environment or content.
        devbox.yaml:10:26: the secret both says file and content
           10 | secrets: {key: {}, both: {file: a, content: b}, out: {external: true}, token: {environment: TOKEN}}
              |                          ^^^^^^^^^^^^^^^^^^^^^
              hint: Give it exactly one of file, environment or content.
        devbox.yaml:10:79: the secret token needs TOKEN, which is not set
           10 | secrets: {key: {}, both: {file: a, content: b}, out: {external: true}, token: {environment: TOKEN}}
              |                                                                               ^^^^^^^^^^^^^^^^^^^^
              hint: Set TOKEN in the environment or in .env.
        """
    )


def test_how_much_of_a_log_is_kept(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            command: x
            logging:
              options: {max-size: much}
          api:
            command: x
            logging:
              options: {max-size: 10m, max-file: some}
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:5:27: max-size is a size, not "much"
            5 |       options: {max-size: much}
              |                           ^^^^
              hint: For example 10m.
        devbox.yaml:9:42: max-file is a count of files, not "some"
            9 |       options: {max-size: 10m, max-file: some}
              |                                          ^^^^
              hint: For example 3.
        """
    )


def test_numbers_sizes_and_truths(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            image: x
            cpus: many
            mem_limit: 12 potatoes
            privileged: perhaps
            stop_grace_period: 10000h
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:4:11: cpus is a number, not "many"
            4 |     cpus: many
              |           ^^^^
              hint: For example 0.5 or 2.
        devbox.yaml:5:16: mem_limit is a size, not "12 potatoes"
            5 |     mem_limit: 12 potatoes
              |                ^^^^^^^^^^^
              hint: For example 64m, 512M or 2gb.
        devbox.yaml:6:17: privileged is true or false, not "perhaps"
            6 |     privileged: perhaps
              |                 ^^^^^^^
        devbox.yaml:7:24: stop_grace_period is longer than a year
            7 |     stop_grace_period: 10000h
              |                        ^^^^^^
        """
    )


def test_watch(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          host: {command: x, watch: [{path: ., action: sync, target: /app}]}
          plain: {image: x, watch: [{path: ., action: rebuild}]}
          near: {image: x, watch: [{path: ., action: sync, target: app}]}
          mute: {image: x, watch: [{path: ., action: exec}]}
          both: {image: x, watch: [{path: ., action: restart, signal: HUP}]}
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:2:30: host runs on the host, where there is nothing to sync: it reads the files themselves
            2 |   host: {command: x, watch: [{path: ., action: sync, target: /app}]}
              |                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              hint: Write `action: restart`.
        devbox.yaml:3:29: plain has no build that could be done again
            3 |   plain: {image: x, watch: [{path: ., action: rebuild}]}
              |                             ^^^^^^^^^^^^^^^^^^^^^^^^^^
              hint: Write `action: restart`, or give it a build.
        devbox.yaml:4:28: a rule that syncs needs a target: an absolute path in the container
            4 |   near: {image: x, watch: [{path: ., action: sync, target: app}]}
              |                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              hint: For example `target: /app`.
        devbox.yaml:5:28: exec does not say which command
            5 |   mute: {image: x, watch: [{path: ., action: exec}]}
              |                            ^^^^^^^^^^^^^^^^^^^^^^^
              hint: Write `exec: {command: ...}`.
        devbox.yaml:6:28: a rule that restarts has no use for a signal
            6 |   both: {image: x, watch: [{path: ., action: restart, signal: HUP}]}
              |                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              hint: Leave out `signal`, or `action`.
        """
    )


def test_metrics_and_what_is_balanced(folder: Folder) -> None:
    folder.engine = lambda: True
    found = folder.errors(
        """
        services:
          api: {image: x, ports: [80]}
          mute: {image: x}
          store: {use: redis, balance: api}
          plain: {image: x, balance: api}
          odd: {use: nginx, balance: "api:web:8"}
          none: {use: nginx, balance: mute}
          other: {use: nginx, balance: "api:81"}
          told: {image: x, ports: [80], metrics: metrics}
          deaf: {image: x, metrics: /metrics}
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:4:23: redis cannot spread callers over the replicas of api
            4 |   store: {use: redis, balance: api}
              |                       ^^^^^^^
              hint: nginx and traefik can.
        devbox.yaml:5:21: plain cannot balance: it is no proxy of the catalogue
            5 |   plain: {image: x, balance: api}
              |                     ^^^^^^^
              hint: Give it `use: nginx`.
        devbox.yaml:6:30: "api:web:8" names no service to balance
            6 |   odd: {use: nginx, balance: "api:web:8"}
              |                              ^^^^^^^^^^^
              hint: Write `api`, or `api:8000`.
        devbox.yaml:7:22: mute has no port to spread callers over
            7 |   none: {use: nginx, balance: mute}
              |                      ^^^^^^^
              hint: List it under its `ports`.
        devbox.yaml:8:23: api has no port 81 to spread callers over
            8 |   other: {use: nginx, balance: "api:81"}
              |                       ^^^^^^^
              hint: List it under its `ports`.
        devbox.yaml:9:42: "metrics" does not say where metrics are
            9 |   told: {image: x, ports: [80], metrics: metrics}
              |                                          ^^^^^^^
              hint: Write `:9100/metrics`.
        devbox.yaml:10:20: deaf has no port to tell its metrics on
           10 |   deaf: {image: x, metrics: /metrics}
              |                    ^^^^^^^
              hint: Say which: `metrics: :9100/metrics`.
        """
    )


# --- bounds: what is too much of something


def said(folder: Folder, *files: Path) -> str:
    """What is wrong with files, as it is printed."""
    with pytest.raises(ManifestError) as caught:
        folder.load_files(*files)
    return str(caught.value).replace(f"{folder.path}/", "")


def test_a_command_that_no_program_can_be_given(folder: Folder) -> None:
    text = f"      {'x' * 99}\n" * 1400
    assert folder.errors(f"services:\n  web:\n    command: >\n{text}") == as_printed(
        """
        devbox.yaml:3:14: command is longer than 128 KiB, which no program can be given
            3 |     command: >
              |              ^
        """
    )


def test_services_that_extend_one_another_without_end(folder: Folder) -> None:
    services = "".join(f"  s{n}: {{extends: s{n - 1}}}\n" for n in range(150, 0, -1))
    found = folder.errors(f"services:\n{services}  s0: {{image: x}}\n")
    assert found == as_printed(
        """
        devbox.yaml:102:18: this extends through more than 100 services
          102 |   s50: {extends: s49}
              |                  ^^^
        """
    )


def test_services_that_extend_to_too_much(folder: Folder) -> None:
    labels = "".join(f"      l{n}: x\n" for n in range(400))
    services = "".join(f"  s{n}: {{extends: base}}\n" for n in range(300))
    found = folder.errors(f"services:\n  base:\n    image: x\n    labels:\n{labels}{services}")
    assert found == as_printed(
        """
        devbox.yaml:653:19: what services extend comes to more than 100,000 values
          653 |   s248: {extends: base}
              |                   ^^^^
        """
    )


def test_files_that_include_one_another_without_end(folder: Folder) -> None:
    for n in range(40):
        folder.write(f"c{n}.yaml", f"include: [c{n + 1}.yaml]\n")
    folder.write("c40.yaml", "services: {a: {image: x}}\n")
    assert folder.errors("include: [c0.yaml]") == as_printed(
        """
        c29.yaml:1:11: this is included through more than 30 files
            1 | include: [c30.yaml]
              |           ^^^^^^^^
        """
    )


def test_more_files_than_are_read(folder: Folder) -> None:
    for n in range(1000):
        folder.write(f"d/c{n}.yaml", "{}")
    includes = "".join(f"  - d/c{n}.yaml\n" for n in range(1000))
    assert folder.errors(f"include:\n{includes}") == as_printed(
        """
        devbox.yaml:1001:5: with d/c999.yaml these are more files than are read at most
         1001 |   - d/c999.yaml
              |     ^^^^^^^^^^^
        """
    )


def test_more_projects_than_are_read(folder: Folder) -> None:
    for n in range(30):
        folder.write(f"d{n}/.env", f"V{n}=1")
        others = "".join(f"  - ../d{m}/c.yaml\n" for m in range(n + 1, 30))
        (folder.path / f"d{n}" / "c.yaml").write_text(f"include:\n{others}\nservices: {{s{n}: {{image: x}}}}")
    assert folder.errors("include: [d0/c.yaml]") == as_printed(
        """
        d27/c.yaml:3:5: these are more than 1000 projects, each with its own variables
            3 |   - ../d29/c.yaml
              |     ^^^^^^^^^^^^^
        """
    )


def test_variables_that_are_nested_too_deeply(folder: Folder) -> None:
    found = folder.errors(f"services:\n  a:\n    image: {'${A:-' * 22}{'}' * 22}")
    assert found == as_printed(
        """
        devbox.yaml:3:117: a ${ that is nested too deeply
            3 |     image: ${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-}}}}}}}}}}}}}}}}}}}}}}
              |                                                                                                                     ^^^^^^
              hint: Write $$ for a $ that is meant as such.
        """  # noqa: E501
    )


def test_values_that_are_too_long_together(folder: Folder) -> None:
    folder.write(".env", f"A={'x' * 600_000}")
    assert folder.errors("services:\n  a:\n    image: $A$A") == as_printed(
        """
        devbox.yaml:3:12: with the value of A this is too long
            3 |     image: $A$A
              |            ^^
        """
    )


def test_a_manifest_that_is_too_long_with_its_variables(folder: Folder) -> None:
    folder.write(".env", f"A={'x' * 900_000}")
    services = "".join(f"  s{n}: {{image: x, labels: {{a: x$A}}}}\n" for n in range(100))
    assert folder.errors(f"services:\n{services}") == as_printed(
        """
        devbox.yaml:39:31: with its variables the manifest is longer than 33,554,432 characters
           39 |   s37: {image: x, labels: {a: x$A}}
              |                               ^^^
        """
    )


def test_more_variables_than_are_read(folder: Folder) -> None:
    for n in range(3):
        folder.write(f"v{n}.env", "A=x\n" * 200_000)
    found = folder.errors("services:\n  a: {image: x, env_file: [v0.env, v1.env, v2.env]}\n")
    assert found == as_printed(
        """
        devbox.yaml:2:44: with v2.env these are more variables than are read at most
            2 |   a: {image: x, env_file: [v0.env, v1.env, v2.env]}
              |                                            ^^^^^^
        """
    )


def test_more_references_than_one_text_holds(folder: Folder) -> None:
    text = "      ${db.port} ${db.port} ${db.port}\n" * 70
    found = folder.errors(f"services:\n  db: {{image: x, ports: [1]}}\n  a:\n    image: x\n    command: >\n{text}")
    assert found == as_printed(
        """
        devbox.yaml:5:14: these are more than 200 references in one text
            5 |     command: >
              |              ^
        """
    )


def test_an_expression_that_is_too_long(folder: Folder) -> None:
    text = f"        {'x' * 90}\n" * 30
    found = folder.errors(f"services:\n  a:\n    command: x\n    health:\n      log: >\n{text}")
    assert found == as_printed(
        """
        devbox.yaml:5:12: log is longer than 2000 characters
            5 |       log: >
              |            ^
        """
    )


def test_a_line_that_is_too_long_to_be_shown_is_quoted_from_its_place_on(folder: Folder) -> None:
    found = folder.errors(f"services: {{web: {{image: x, labels: {{a: {'x' * 300}}}, prots: [80]}}}}")
    assert found == as_printed(
        """
        devbox.yaml:1:343: the service web has no key "prots": prots: [80]}}…
              hint: Did you mean ports?
        """
    )


def test_nesting_that_is_too_deep(folder: Folder) -> None:
    assert folder.errors("a: " + "[" * 101) == as_printed(
        """
        devbox.yaml:1:103: not readable as YAML: it is nested deeper than 100 levels
            1 | a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
              |                                                                                                       ^
        """
    )


def test_files_that_are_too_large_or_no_text(folder: Folder) -> None:
    (folder.path / "large.yaml").write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    (folder.path / "bytes.yaml").write_bytes(b"services:\n  a: \xff\xff\n")
    (folder.path / "zero.yaml").write_bytes(b"services:\n  a: \x01\n")
    assert folder.errors("include:\n  - large.yaml\n  - bytes.yaml\n") == as_printed(
        """
        devbox.yaml:2:5: large.yaml is larger than the 4 MB that are read at most
            2 |   - large.yaml
              |     ^^^^^^^^^^
        devbox.yaml:3:5: bytes.yaml is not a text file: byte 0xff in line 2
            3 |   - bytes.yaml
              |     ^^^^^^^^^^
              hint: A manifest is a text file in UTF-8.
        """
    )
    assert said(folder, folder.path / "large.yaml") == "large.yaml: larger than the 4 MB that are read at most"
    assert said(folder, folder.path / "zero.yaml") == as_printed(
        """
        zero.yaml: not a text file: character 0x01 in line 2
              hint: A manifest is a text file in UTF-8.
        """
    )


def test_no_manifest_at_all(folder: Folder) -> None:
    assert said(folder) == as_printed(
        """
        devbox.yaml: there is no manifest here
              hint: Write a devbox.yaml or a compose.yaml, or name a file with -f.
        """
    )


def test_an_end_to_what_is_shown(folder: Folder) -> None:
    found = folder.errors("services:\n" + "".join(f"  s{n}: {{imge: x}}\n" for n in range(150)))
    assert found.splitlines()[0] == as_printed(
        """
        devbox.yaml: more than 100 problems; the rest is not shown
        """
    )
    assert len(found.splitlines()) == 1 + 100 * 4


def test_a_merge_that_nobody_finished(folder: Folder) -> None:
    found = folder.errors("services:\n<<<<<<< HEAD\n  web: {image: x}\n=======\n  web: {image: y}\n>>>>>>> other\n")
    assert found == as_printed(
        """
        devbox.yaml:2:1: a merge conflict is not resolved
            2 | <<<<<<< HEAD
              | ^^^^^^^^^^^^
              hint: Keep one side, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>.
        """
    )


def test_a_character_with_a_meaning_of_its_own(folder: Folder) -> None:
    assert folder.errors("services:\n  web:\n    image: @nginx\n") == as_printed(
        """
        devbox.yaml:3:12: a value cannot begin with @
            3 |     image: @nginx
              |            ^
              hint: Put it in quotes.
        """
    )


@pytest.mark.parametrize(("opened", "name"), [('["80"', "["), ("{a: b", "{")])
def test_what_is_opened_and_not_closed(folder: Folder, opened: str, name: str) -> None:
    assert folder.errors(f"services:\n  web:\n    labels: {opened}\n    image: x\n") == as_printed(
        f"""
        devbox.yaml:4:{5 if name == "[" else 10}: a {name} is not closed before this, or a comma is missing
            4 |     image: x
              | {"    ^" if name == "[" else "         ^"}
              hint: It is opened in line 3.
        """
    )


def test_a_variable_that_is_not_closed(folder: Folder) -> None:
    assert folder.errors("services:\n  web:\n    image: x:${TAG\n") == as_printed(
        """
        devbox.yaml:3:14: ${TAG is not closed
            3 |     image: x:${TAG
              |              ^^^^^
              hint: Close it with }, or write $$ for a $ as such.
        """
    )


def test_an_older_encoding(folder: Folder) -> None:
    file = folder.path / "devbox.yaml"
    file.write_bytes("services:\n  web: {image: x, labels: {a: café}}\n".encode("latin-1"))
    with pytest.raises(ManifestError) as caught:
        folder.load_files(file)
    assert str(caught.value).replace(f"{folder.path}/", "") == as_printed(
        """
        devbox.yaml:2:34: not a text file: byte 0xe9 in line 2
            2 |   web: {image: x, labels: {a: café}}
              |                                  ^
              hint: A manifest is a text file in UTF-8.
        """
    )


def test_what_was_meant(folder: Folder) -> None:
    """Hints for what people write who are in a hurry."""
    found = folder.errors(
        """
        services:
          colon:
            image:nginx
          dash:
            image: x
            environment:
              - KEY: value
          words: {image: x, command: [echo, {a: b}]}
          health: {command: x, health: {htp: /}}
        db:
          image: postgres
        networks: [{back: {}}]
        """
    )
    assert found == as_printed(
        """
        devbox.yaml:3:5: the service colon must be a mapping, this is a text
            3 |     image:nginx
              |     ^^^^^^^^^^^
              hint: A colon needs a space behind it: `image: nginx`.
        devbox.yaml:7:9: an item of environment must be a text, this is a mapping
            7 |       - KEY: value
              |         ^^^^^^^^^^
              hint: Write KEY=value.
        devbox.yaml:8:37: an argument of command must be a text, this is a mapping
            8 |   words: {image: x, command: [echo, {a: b}]}
              |                                     ^^^^^^
              hint: Put it in quotes: "a: b".
        devbox.yaml:9:33: health has no key "htp"
            9 |   health: {command: x, health: {htp: /}}
              |                                 ^^^
              hint: Did you mean http?
        devbox.yaml:10:1: the manifest has no key "db"
           10 | db:
              | ^^
              hint: A service stands under `services:`, indented.
        devbox.yaml:12:11: networks must be a mapping, this is a list
           12 | networks: [{back: {}}]
              |           ^^^^^^^^^^^^
              hint: Leave the dashes out.
        """
    )


def test_a_secret_that_is_not_declared(folder: Folder) -> None:
    assert folder.errors("services:\n  web: {image: x, secrets: [key]}\n") == as_printed(
        """
        devbox.yaml:2:29: there is no secret key
            2 |   web: {image: x, secrets: [key]}
              |                             ^^^
              hint: Declare it at the end of the file: secrets: {key: {file: ./key}}
        """
    )


def test_an_anchor_that_is_not_there_is_said_once(folder: Folder) -> None:
    assert folder.errors("services:\n  web:\n    <<: *base\n    image: x\n").count("devbox.yaml:") == 1


@pytest.mark.parametrize(
    ("one", "other", "noted"),
    [
        ("8080:80", "8080:90", True),
        ("0.0.0.0:8080:80", "8080:80", True),
        ("8080:80", "8080:80/udp", False),
        ("127.0.0.2:8080:80", "8080:80", False),
        ("8080:80", "8081:80", False),
        ("80", "80", False),
    ],
)
def test_a_port_that_two_services_want_is_noted(folder: Folder, one: str, other: str, noted: bool) -> None:
    text = f"services:\n  a: {{image: x, ports: ['{one}']}}\n  b: {{image: x, ports: ['{other}']}}\n"
    words = "devbox.yaml:3: b and a both want the port 8080 of this machine: only one of them can run at a time"
    notes = [note.replace(f"{folder.path}/", "") for note in folder.load(text).notes]
    assert notes == ([words] if noted else [])
