#!/usr/bin/env bash
# Take the picture of a report that the documentation shows: tools/report_image.sh REPORT.html [HEIGHT]
# It goes into the page docs/docsite/rst/report.rst itself: Ansible's documentation takes no files beside the pages.
set -euo pipefail
page=$(realpath "$1")
height=${2:-874}
cd "$(dirname "$0")/.."
guide=docs/docsite/rst/report.rst
tools/need.sh chromium:chromium pngquant:pngquant cwebp:webp

profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
# The browser asks for updates of its own: with these rules it finds no host. Its sandbox needs a user that is not root.
chromium --headless --no-sandbox --disable-gpu --no-proxy-server --host-resolver-rules="MAP * ~NOTFOUND" \
  --user-data-dir="$profile" --hide-scrollbars --blink-settings=preferredColorScheme=1 \
  --window-size="1280,$height" --screenshot="$profile/report.png" "file://$page" 2>"$profile/log" || { cat "$profile/log" >&2 && exit 1; }
# 16 colours are enough for text and bars, and make a quarter of the size.
pngquant 16 --strip --output "$profile/few.png" "$profile/report.png"
cwebp -quiet -lossless -z 9 "$profile/few.png" -o "$profile/report.webp"
{
  sed '/^.. |report| image::$/q' "$guide"
  { printf 'data:image/webp;base64,' && base64 --wrap=0 "$profile/report.webp"; } | fold --width=150 | sed 's/^/   /'
  printf '\n'
  sed -n 's/^   :alt: /   :alt: /p' "$guide"
} >"$profile/guide"
cat "$profile/guide" >"$guide"
wc --bytes "$guide"
