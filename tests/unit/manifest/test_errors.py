"""What is said about each mistake, as it is printed."""

from __future__ import annotations

from tests.unit.manifest.reading import Folder, as_printed


def test_unknown_key(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            imge: nginx
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:3:5: the service web has no key "imge"
            3 |     imge: nginx
              |     ^^^^
              hint: Did you mean image?
        """
    )


def test_own_key_in_a_compose_file(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            image: nginx
            health: {http: /}
        """,
        name="compose.yaml",
    )
    assert found == as_printed(
        """
        compose.yaml:4:5: the service web has no key "health"
            4 |     health: {http: /}
              |     ^^^^^^
              hint: health is devbox's own: write it under x-devbox.
        """
    )


def test_unknown_top_level_key(folder: Folder) -> None:
    found = folder.errors(
        """
        services: {web: {image: nginx}}
        serviecs: {}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:1: the manifest has no key "serviecs"
            2 | serviecs: {}
              | ^^^^^^^^
              hint: Did you mean services?
        """
    )


def test_key_twice(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {image: nginx}
          web: {image: httpd}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:3:3: web is given twice
            3 |   web: {image: httpd}
              |   ^^^
              hint: The first one is in line 2.
        """
    )


def test_tab(folder: Folder) -> None:
    found = folder.errors(
        "services:\n\tweb: {}\n",
    )
    assert found == as_printed(
        "devbox.yaml:2:1: a tab is used for indentation\n"
        "    2 | \tweb: {}\n"
        "      | ^\n"
        "      hint: YAML is indented with spaces.\n"
    )


def test_quote_left_open(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            image: 'nginx
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:3:12: a quote is opened and not closed
            3 |     image: 'nginx
              |            ^
        """
    )


def test_colon_in_a_value(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            command: echo a: b
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:3:20: mapping values are not allowed in this context
            3 |     command: echo a: b
              |                    ^
              hint: Quote a value that contains `: `, or mend the indentation.
        """
    )


def test_bad_indentation(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            image: nginx
           command: x
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:4:4: did not find expected key
            4 |    command: x
              |    ^
              hint: Mend the indentation: keys of one mapping start in one column.
        """
    )


def test_empty_file(folder: Folder) -> None:
    found = folder.errors(
        """
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml: the file is empty
              hint: A manifest has at least `services:` with one service.
        """
    )


def test_list_for_a_manifest(folder: Folder) -> None:
    found = folder.errors(
        """
        - services
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:1:1: a manifest is a mapping, this is a list
            1 | - services
              | ^^^^^^^^^^
              hint: Start with `services:`.
        """
    )


def test_no_services(folder: Folder) -> None:
    found = folder.errors(
        """
        name: shop
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:1:1: the manifest has no services
            1 | name: shop
              | ^^^^^^^^^^
              hint: Add one under `services:`.
        """
    )


def test_empty_services(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:1:1: the manifest has no services
            1 | services:
              | ^^^^^^^^
              hint: Add one under `services:`.
        """
    )


def test_service_is_a_text(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: nginx
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:8: the service web must be a mapping, this is a text
            2 |   web: nginx
              |        ^^^^^
        """
    )


def test_bad_service_name(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          my web: {image: nginx}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:3: "my web" is not a name for a service
            2 |   my web: {image: nginx}
              |   ^^^^^^
              hint: Names are made of letters, digits, -, _ and dots.
        """
    )


def test_nothing_to_run(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            ports: ["80"]
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:3: the service web says nothing to run
            2 |   web:
              |   ^^^
              hint: Give it an image, a build, a use or a command.
        """
    )


def test_empty_command(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {command: ""}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:9: the command of web is empty
            2 |   web: {command: ""}
              |         ^^^^^^^
        """
    )


def test_open_quote_in_command(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            command: echo "hello
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:3:14: a quote in command is opened and not closed
            3 |     command: echo "hello
              |              ^^^^^^^^^^^
        """
    )


def test_argument_is_a_mapping(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {command: [echo, {a: 1}]}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:25: an argument of command must be a text, this is a mapping
            2 |   web: {command: [echo, {a: 1}]}
              |                         ^^^^^^
              hint: Put it in quotes: "a: 1".
        """
    )


def test_two_documents(folder: Folder) -> None:
    found = folder.errors(
        """
        services: {web: {image: nginx}}
        ---
        - services
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:3:1: a manifest is a mapping, this is a list
            3 | - services
              | ^^^^^^^^^^
              hint: Start with `services:`.
        """
    )


def test_unknown_alias(folder: Folder) -> None:
    found = folder.errors(
        """
        services: {web: {image: nginx}}
        x-a: &near 1
        x-b: *naer
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:3:6: there is no anchor &naer before this
            3 | x-b: *naer
              |      ^^^^^
              hint: Known here: &near.
        """
    )


def test_alias_within_itself(folder: Folder) -> None:
    found = folder.errors(
        """
        x-a: &a {b: *a}
        services: {web: {image: nginx}}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:1:13: the alias *a stands inside of what it names
            1 | x-a: &a {b: *a}
              |             ^^
        """
    )


def test_merge_key_of_a_text(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            <<: nginx
            image: nginx
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:3:9: << merges mappings, this is a text
            3 |     <<: nginx
              |         ^^^^^
        """
    )


def test_complex_key(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          {{a}}: {image: x}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:3: a key is a text, this is a mapping
            2 |   {{a}}: {image: x}
              |   ^^^^^
              hint: Quote values that contain { or [.
        devbox.yaml:2:4: a key is a text, this is a mapping
            2 |   {{a}}: {image: x}
              |    ^^^
              hint: Quote values that contain { or [.
        """
    )


def test_unknown_service_in_reference(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          db: {image: postgres, ports: ["5432"]}
          api:
            command: serve
            environment: {URL: "http://${dbb.host}/"}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:5:32: there is no service dbb for ${dbb.host}
            5 |     environment: {URL: "http://${dbb.host}/"}
              |                                ^^^^^^^^^^^
              hint: Did you mean db?
        """
    )


def test_unknown_export(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          db: {image: postgres, ports: ["5432"]}
          api: {command: "serve ${db.prot}"}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:3:25: db does not export prot
            3 |   api: {command: "serve ${db.prot}"}
              |                         ^^^^^^^^^^
              hint: Did you mean port?
        """
    )


def test_reference_to_a_service_without_ports(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          job: {command: work}
          api: {command: "serve ${job.url}"}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:3:25: job does not export url
            3 |   api: {command: "serve ${job.url}"}
              |                         ^^^^^^^^^^
              hint: job has no ports: give it one.
        """
    )


def test_reference_where_none_can_be(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          db: {image: postgres, ports: ["5432"]}
          api: {image: "${db.host}/api"}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:3:17: image cannot hold a reference
            3 |   api: {image: "${db.host}/api"}
              |                 ^^^^^^^^^^
              hint: References can stand in environment, command, entrypoint and exec checks.
        """
    )


def test_required_variable(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {image: "nginx:${TAG:?which one?}"}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:23: the variable TAG is required and has no value: which one?
            2 |   web: {image: "nginx:${TAG:?which one?}"}
              |                       ^^^^^^^^^^^^^^^^^^
              hint: Set TAG in the environment or in .env.
        """
    )


def test_an_empty_variable(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {command: "echo $(date) ${}"}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:32: a ${ that begins no variable
            2 |   web: {command: "echo $(date) ${}"}
              |                                ^^^
              hint: Write $$ for a $ that is meant as such.
        """
    )


def test_malformed_variable(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {command: "echo ${A B}"}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:24: ${A B} is not a valid variable
            2 |   web: {command: "echo ${A B}"}
              |                        ^^^^^^
              hint: Write $$ for a $ that is meant as such.
        """
    )


def test_error_inside_a_block(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            command: |
              echo one
              echo ${two.url}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:5:12: there is no service two for ${two.url}
            5 |       echo ${two.url}
              |            ^^^^^^^^^^
              hint: Known here: web.
        """
    )


def test_ports(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            image: nginx
            ports:
              - 80a
              - 70000:80
              - 80-81:80-83
              - 53:53/sctp
              - {published: 80}
              - {target: 80, protcol: tcp}
              - {target: x}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:5:9: "80a" is not a port
            5 |       - 80a
              |         ^^^
              hint: Write 80, 8080:80 or 127.0.0.1:8080:80, with /udp for UDP.
        devbox.yaml:6:9: "70000" is outside of the ports there are, 1 to 65535
            6 |       - 70000:80
              |         ^^^^^
        devbox.yaml:7:9: 80-81 and 80-83 are ranges of different length
            7 |       - 80-81:80-83
              |         ^^^^^^^^^^^
              hint: Name as many host ports as container ports.
        devbox.yaml:8:15: ports are tcp or udp, not "sctp"
            8 |       - 53:53/sctp
              |               ^^^^
        devbox.yaml:9:9: a port in long form needs a target
            9 |       - {published: 80}
              |         ^^^^^^^^^^^^^^^
              hint: target is the port that the service itself listens on.
        devbox.yaml:10:22: a port has no key "protcol"
           10 |       - {target: 80, protcol: tcp}
              |                      ^^^^^^^
              hint: Did you mean protocol?
        devbox.yaml:11:18: "x" is not a port
           11 |       - {target: x}
              |                  ^
              hint: Write a number, or a range such as 8000-8005.
        """
    )


def test_host_process_maps_a_port(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {command: serve, ports: ["8080:80"]}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:25: web runs on the host, where port 80 cannot appear as 8080
            2 |   web: {command: serve, ports: ["8080:80"]}
              |                         ^^^^^
              hint: Write "8080:8080", or "80" and have devbox pick one.
        """
    )


def test_replicas_share_a_port(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {image: nginx, ports: ["80:80"], scale: 2}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:23: 2 replicas of web cannot share the host port 80
            2 |   web: {image: nginx, ports: ["80:80"], scale: 2}
              |                       ^^^^^
              hint: Leave the host port open: "80".
        """
    )


def test_durations_and_numbers(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            image: nginx
            stop_grace_period: 10
            scale: two
            healthcheck: {test: x, interval: 5 s, retries: -1}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:4:24: stop_grace_period is a duration, not "10"
            4 |     stop_grace_period: 10
              |                        ^^
              hint: Write a number with its unit: 500ms, 10s, 1m30s, 2h.
        devbox.yaml:5:12: scale is a whole number from 0 to 1000, not "two"
            5 |     scale: two
              |            ^^^
        devbox.yaml:6:38: interval is a duration, not "5 s"
            6 |     healthcheck: {test: x, interval: 5 s, retries: -1}
              |                                      ^^^
              hint: Write a number with its unit: 500ms, 10s, 1m30s, 2h.
        devbox.yaml:6:52: retries is a whole number from 0 to 1000000, not "-1"
            6 |     healthcheck: {test: x, interval: 5 s, retries: -1}
              |                                                    ^^
        """
    )


def test_restart_and_signal(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {image: nginx, restart: sometimes, stop_signal: SIGFOO}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:32: "sometimes" is no restart policy
            2 |   web: {image: nginx, restart: sometimes, stop_signal: SIGFOO}
              |                                ^^^^^^^^^
              hint: Write no, always, on-failure, on-failure:3 or unless-stopped.
        devbox.yaml:2:56: there is no signal "SIGFOO"
            2 |   web: {image: nginx, restart: sometimes, stop_signal: SIGFOO}
              |                                                        ^^^^^^
              hint: Write a name such as SIGINT, or a number.
        """
    )


def test_dependencies(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {image: nginx, depends_on: [dbase, web]}
          db: {image: postgres}
          api: {image: x, depends_on: {db: {condition: healthy}}}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:36: there is no service dbase
            2 |   web: {image: nginx, depends_on: [dbase, web]}
              |                                    ^^^^^
              hint: Known here: api, db.
        devbox.yaml:2:43: web cannot depend on itself
            2 |   web: {image: nginx, depends_on: [dbase, web]}
              |                                           ^^^
        devbox.yaml:4:48: condition cannot be "healthy"
            4 |   api: {image: x, depends_on: {db: {condition: healthy}}}
              |                                                ^^^^^^^
              hint: Did you mean service_healthy?
        """
    )


def test_cycle(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          a: {command: x, depends_on: [b]}
          b: {command: x, depends_on: [c]}
          c: {command: x, depends_on: [a]}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:32: services wait for one another: a -> b -> c -> a
            2 |   a: {command: x, depends_on: [b]}
              |                                ^
        """
    )


def test_cycle_by_reference(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          a: {command: "x ${b.url}", ports: ["1"]}
          b: {command: "x ${a.url}", ports: ["2"]}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:3: services wait for one another: a -> b -> a
            2 |   a: {command: "x ${b.url}", ports: ["1"]}
              |   ^
              hint: a refers to b, and so waits for it.
        """
    )


def test_profile_is_not_active(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          a: {command: x, depends_on: [b]}
          b: {command: x, profiles: [debug]}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:32: a depends on b, whose profile is not active
            2 |   a: {command: x, depends_on: [b]}
              |                                ^
              hint: Add --profile debug, or `required: false`.
        """
    )


def test_healthcheck_forms(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          a: {image: x, healthcheck: {test: [RUN, x]}}
          b: {image: x, healthcheck: {test: [CMD]}}
          c: {image: x, healthcheck: {tset: x}}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:38: a test begins with CMD, CMD-SHELL or NONE, not "RUN"
            2 |   a: {image: x, healthcheck: {test: [RUN, x]}}
              |                                      ^^^
              hint: Write ["CMD", "program", "argument"], ["CMD-SHELL", "a command line"] or ["NONE"].
        devbox.yaml:3:37: the test names no command
            3 |   b: {image: x, healthcheck: {test: [CMD]}}
              |                                     ^^^^^
        devbox.yaml:4:31: healthcheck has no key "tset"
            4 |   c: {image: x, healthcheck: {tset: x}}
              |                               ^^^^
              hint: Did you mean test?
        """
    )


def test_health_forms(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          a: {command: x, health: {http: /, tcp: 80}}
          b: {command: x, health: {interval: 5s}}
          c: {command: x, health: {http: healthz}}
          d: {command: x, health: {http: /, status: 20}}
          e: {command: x, health: {log: "("}}
          f: {command: x, health: {tcp: 80, body: x}}
          g: {command: x, health: {exec: []}}
          h: {command: x, health: {grpc: 80, service: "a b"}}
          i: {command: x, health: {http: /, insecure: true}}
          j: {command: x, health: {https: /, method: "GE T", headers: {"a b": x}}}
          k: {command: x, health: {https: /, insecure: true, ca: ./ca.pem}}
          l: {command: x, health: {http: /, method: head, body: ok}}
          m: {command: x, health: {http: /, headers: {A: "a\\nb"}}}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:37: health is checked in one way, here are http and tcp
            2 |   a: {command: x, health: {http: /, tcp: 80}}
              |                                     ^^^
        devbox.yaml:3:27: health does not say what to check
            3 |   b: {command: x, health: {interval: 5s}}
              |                           ^^^^^^^^^^^^^^
              hint: Add http: /path, https: /path, tcp: port, grpc: port, exec: [command] or log: regex.
        devbox.yaml:4:34: "healthz" is no path
            4 |   c: {command: x, health: {http: healthz}}
              |                                  ^^^^^^^
              hint: Write /path or :port/path.
        devbox.yaml:5:45: "20" is no HTTP status
            5 |   d: {command: x, health: {http: /, status: 20}}
              |                                             ^^
              hint: Write 200, or a range such as 200-399.
        devbox.yaml:6:33: log is not a regular expression: missing ), unterminated subpattern at position 0
            6 |   e: {command: x, health: {log: "("}}
              |                                 ^^^
        devbox.yaml:7:37: body belongs to a check by http or https
            7 |   f: {command: x, health: {tcp: 80, body: x}}
              |                                     ^^^^
        devbox.yaml:8:34: exec names no command
            8 |   g: {command: x, health: {exec: []}}
              |                                  ^^
        devbox.yaml:9:47: "a b" is not the name of a gRPC service
            9 |   h: {command: x, health: {grpc: 80, service: "a b"}}
              |                                               ^^^^^
        devbox.yaml:10:37: insecure belongs to a check by https or grpc
           10 |   i: {command: x, health: {http: /, insecure: true}}
              |                                     ^^^^^^^^
        devbox.yaml:11:46: "GE T" is no HTTP method
           11 |   j: {command: x, health: {https: /, method: "GE T", headers: {"a b": x}}}
              |                                              ^^^^^^
              hint: Write GET, HEAD, POST, OPTIONS or the like.
        devbox.yaml:11:64: "a b" is not the name of a header
           11 |   j: {command: x, health: {https: /, method: "GE T", headers: {"a b": x}}}
              |                                                                ^^^^^
        devbox.yaml:12:58: an insecure check takes any certificate: ca has nothing to say
           12 |   k: {command: x, health: {https: /, insecure: true, ca: ./ca.pem}}
              |                                                          ^^^^^^^^
        devbox.yaml:13:51: an answer to HEAD has no body
           13 |   l: {command: x, health: {http: /, method: head, body: ok}}
              |                                                   ^^^^
        devbox.yaml:14:50: the header "A" goes on over lines
           14 |   m: {command: x, health: {http: /, headers: {A: "a\\nb"}}}
              |                                                  ^^^^^^
        """
    )


def test_environment(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            image: nginx
            environment:
              - =x
              - [a]
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:5:9: "" is not the name of a variable
            5 |       - =x
              |         ^^
        devbox.yaml:6:9: an item of environment must be a text, this is a list
            6 |       - [a]
              |         ^^^
        """
    )


def test_env_file_missing(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {image: nginx, env_file: [web.env]}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:34: cannot read web.env: No such file or directory
            2 |   web: {image: nginx, env_file: [web.env]}
              |                                  ^^^^^^^
              hint: Create it, or write {path: web.env, required: false} if there need not be one.
        """
    )


def test_runtime(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {command: x, runtime: docker}
          api: {command: x, runtime: podman}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:21: web cannot run in a container: it names no image
            2 |   web: {command: x, runtime: docker}
              |                     ^^^^^^^
        devbox.yaml:3:30: runtime cannot be "podman"
            3 |   api: {command: x, runtime: podman}
              |                              ^^^^^^
              hint: Known here: docker, process.
        """
    )


def test_watch(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web: {command: x, watch: [{action: reload}]}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:29: watch does not say which path
            2 |   web: {command: x, watch: [{action: reload}]}
              |                             ^^^^^^^^^^^^^^^^
        devbox.yaml:2:38: action cannot be "reload"
            2 |   web: {command: x, watch: [{action: reload}]}
              |                                      ^^^^^^
              hint: Did you mean rebuild?
        """
    )


def test_unknown_entry(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          db: {use: "postgre:16"}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:14: there is no catalogue entry postgre
            2 |   db: {use: "postgre:16"}
              |              ^^^^^^^
              hint: Did you mean postgres?
        """
    )


def test_unknown_setting(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          db: {use: {entry: postgres, usr: me}}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:31: postgres has no setting usr
            2 |   db: {use: {entry: postgres, usr: me}}
              |                               ^^^
              hint: Did you mean user?
        """
    )


def test_use_without_an_entry(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          db: {use: {version: 16}}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:2:13: use does not say which entry
            2 |   db: {use: {version: 16}}
              |             ^^^^^^^^^^^^^
              hint: Write `entry: postgres`.
        """
    )


def test_include(folder: Folder) -> None:
    found = folder.errors(
        """
        include: [other.yaml]
        services: {web: {image: nginx}}
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:1:11: cannot read other.yaml: No such file or directory
            1 | include: [other.yaml]
              |           ^^^^^^^^^^
        """
    )


def test_all_at_once(folder: Folder) -> None:
    found = folder.errors(
        """
        services:
          web:
            imge: nginx
            ports: ["x"]
          api:
            command: serve ${web.url}
            restart: maybe
        """,
    )
    assert found == as_printed(
        """
        devbox.yaml:3:5: the service web has no key "imge"
            3 |     imge: nginx
              |     ^^^^
              hint: Did you mean image?
        devbox.yaml:4:13: "x" is not a port
            4 |     ports: ["x"]
              |             ^^^
              hint: Write 80, 8080:80 or 127.0.0.1:8080:80, with /udp for UDP.
        devbox.yaml:7:14: "maybe" is no restart policy
            7 |     restart: maybe
              |              ^^^^^
              hint: Write no, always, on-failure, on-failure:3 or unless-stopped.
        """
    )
