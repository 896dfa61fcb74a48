#!/bin/sh
# --connect, --innodb_initialized: that it answers over TCP, which the server of the first start does not. That it
# refuses a stranger is an answer.
mariadb-admin --protocol=tcp --host=127.0.0.1 ping >/dev/null 2>&1 ||
  mariadb-admin --protocol=tcp --host=127.0.0.1 ping 2>&1 | grep -q 'Access denied'
