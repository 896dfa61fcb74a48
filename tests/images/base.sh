#!/bin/bash
# devbox-test/base: a small Debian with Python and Redis, from the machine's own package sources. About a minute, once.
set -euo pipefail
docker=${1:-docker}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(awk '/^URIs:/{print $2; exit} /^deb /{print $2; exit}' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null)
debootstrap --variant=minbase --include=ca-certificates,python3-minimal,redis-server --exclude=e2fsprogs,tzdata \
  "$codename" "$root" "$mirror" >"${TMPDIR:-/tmp}/devbox-test-base.log" 2>&1 ||
  { tail -5 "${TMPDIR:-/tmp}/devbox-test-base.log"; exit 1; }
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale,info}/*
# Whom this machine trusts, an image built here trusts too: a proxy that reads along may stand before every registry.
authorities=/etc/ssl/certs/ca-certificates.crt
cp "$authorities" "$root$authorities"
tar -C "$root" -c . | "$docker" import -c "ENV LANG=C.UTF-8 PIP_CERT=$authorities NODE_EXTRA_CA_CERTS=$authorities" \
  -c 'CMD ["bash"]' - devbox-test/base >/dev/null
mkdir -p "$root/context"
# As the official image does: listen everywhere, for inside a container only its own network can reach it.
cat >"$root/context/entrypoint" <<'EOF'
#!/bin/sh
if [ "$1" = redis-server ]; then
  shift
  set -- redis-server --bind 0.0.0.0 --protected-mode no "$@"
fi
exec "$@"
EOF
chmod +x "$root/context/entrypoint"
cat >"$root/context/Dockerfile" <<'EOF'
FROM devbox-test/base
COPY entrypoint /usr/local/bin/entrypoint
EXPOSE 6379
VOLUME /data
WORKDIR /data
ENTRYPOINT ["/usr/local/bin/entrypoint"]
CMD ["redis-server"]
EOF
DOCKER_BUILDKIT=0 "$docker" build -q -t redis:7 "$root/context" >/dev/null
