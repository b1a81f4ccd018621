#!/bin/sh
# newest_git.sh FOLDER: put the newest git that Debian has into FOLDER, for tests; nothing is installed.
# It comes with the libraries it needs, since the machine's are older. `patchelf` is on PATH.
# Exit code 1 where this machine gets no packages from Debian.
set -eu
target=$(mkdir -p "$1" && cd "$1" && pwd)
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && command -v patchelf >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mirror=$(apt-get indextargets --format '$(ORIGIN) $(SUITE) $(REPO_URI)' 'Created-By: Packages' |
  sed -n 's/^Debian [a-z]* //p' | grep -v -- -security | head -n 1)
[ -n "$mirror" ]
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root" "$work/debs"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] $mirror sid main" >"$work/sources.list"
apt() {
  program=$1
  shift
  "$program" -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache::Archives="$work/archives" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Acquire::Languages=none -o Acquire::http::Timeout=30 -o Acquire::Retries=0 -o Acquire::Check-Valid-Until=false \
    -o APT::Sandbox::User="$(id -un)" "$@"
}
apt apt-get update
libraries=$(apt apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
  --no-enhances git | grep '^lib' | grep -v perl | sort -u)
# shellcheck disable=SC2086
(cd "$work/debs" && apt apt-get download git $libraries)
for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$work/root"; done
mkdir -p "$target/bin" "$target/libexec" "$target/lib"
cp -a "$work"/root/usr/bin/git* "$target/bin/"
cp -a "$work/root/usr/lib/git-core" "$target/libexec/"
find "$work/root/usr/lib" -name '*.so*' ! -path '*/gconv/*' ! -type d -exec cp -a {} "$target/lib/" \;
loader=$(find "$target/lib" -name 'ld-linux*' | head -n 1)
find "$target/bin" "$target/libexec" -type f -perm -u+x | while read -r program; do
  [ "$(head -c 4 "$program" | tail -c 3)" != ELF ] ||
    patchelf --force-rpath --set-interpreter "$loader" --set-rpath "$target/lib" "$program"
done
"$target/bin/git" --version
