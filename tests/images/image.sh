#!/bin/bash
# image.sh NAME [TAG...]: the folder NAME built as devbox-test/NAME, and named TAG... as Compose files name it.
# A tag that another image bears, pulled by whoever works here, stays with that image: it will do as well or better.
set -euo pipefail
docker=${DOCKER:-/usr/bin/docker}
cd "$(dirname "$0")"
name=$1
shift

mark() { "$docker" image inspect -f '{{index .Config.Labels "devbox-test.mark"}}' "$1" 2>/dev/null; }

parent=$(sed -n 's/^FROM devbox-test\/\([a-z]*\).*/\1/p' "$name/Dockerfile" | head -1)
wanted=$(
  {
    tar -C "$name" --sort=name --mtime=@0 --owner=0 --group=0 -c .
    # The lists of packages age, and what is not found in them any more fails; the images made with them need not follow.
    case $name:$parent in
      debian:*) date +%F ;;
      *:debian) ;;
      *) mark "devbox-test/$parent" ;;
    esac
  } | sha256sum | cut -c -16
)
if [ "$(mark "devbox-test/$name")" != "$wanted" ]; then
  log=${TMPDIR:-/tmp}/devbox-test-$name.log
  began=$SECONDS
  DOCKER_BUILDKIT=1 "$docker" build --progress=plain --label "devbox-test.mark=$wanted" -t "devbox-test/$name" \
    --build-arg http_proxy --build-arg https_proxy --build-arg no_proxy "$name" >"$log" 2>&1 ||
    { tail -25 "$log"; exit 1; }
  echo "devbox-test/$name: $((SECONDS - began)) s"
fi
for tag; do
  if ! "$docker" image inspect "$tag" >/dev/null 2>&1 || [ -n "$(mark "$tag")" ]; then
    "$docker" tag "devbox-test/$name" "$tag"
  fi
done
