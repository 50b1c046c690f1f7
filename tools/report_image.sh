#!/usr/bin/env bash
# Take the picture of a report that the documentation shows: tools/report_image.sh REPORT.html docs/images/report.png [HEIGHT]
set -euo pipefail
page=$(realpath "$1")
image=$2
height=${3:-1500}
"$(dirname "$0")/need.sh" chromium:chromium pngquant:pngquant

profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
# The browser asks for updates of its own: with these rules it finds no host. Its sandbox needs a user that is not root.
chromium --headless --no-sandbox --disable-gpu --no-proxy-server --host-resolver-rules="MAP * ~NOTFOUND" \
  --user-data-dir="$profile" --hide-scrollbars --blink-settings=preferredColorScheme=1 \
  --window-size="1280,$height" --screenshot="$profile/report.png" "file://$page" 2>"$profile/log" || { cat "$profile/log" >&2 && exit 1; }
# 64 colours are enough for text and bars, and make a quarter of the size.
pngquant 64 --force --strip --output "$image" "$profile/report.png"
ls -l "$image"
