#!/usr/bin/env bash
# Rehearses what a newcomer does: makes a minimal Debian 12 in a temporary folder, puts a clean clone
# of the committed tree in, and runs the commands given (by default those of the README) in it.
#   tools/fresh_machine.sh ['./dev demo' './dev test' ...]
# Needs root and debootstrap. Packages come from where this machine's own apt takes Debian's.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
((EUID == 0)) || { echo "fresh_machine: run as root (debootstrap and chroot need it)" >&2; exit 1; }
command -v debootstrap >/dev/null ||
  { echo "fresh_machine: install debootstrap first" >&2; exit 1; }
(($#)) || set -- './dev demo' './dev test'
suite=bookworm

# "URI release component" of every Debian source of this machine, main archive first.
mapfile -t sources < <(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
  'Created-By: Packages' 'Origin: Debian' | grep " $suite" | awk '!seen[$0]++')
mirror=
for source in "${sources[@]}"; do
  read -r uri release _ <<<"$source"
  if [[ $release == "$suite" ]]; then mirror=$uri; fi
done
[[ -n $mirror ]] || { echo "fresh_machine: apt here has no source for Debian $suite" >&2; exit 1; }

fresh=$(mktemp -d)
chmod 755 "$fresh" # apt downloads as a user of its own
cleanup() {
  for mounted in proc dev/pts dev; do umount "$fresh/$mounted" 2>/dev/null || true; done
  rm -rf --one-file-system "$fresh"
}
trap cleanup EXIT

echo "==> making Debian $suite in $fresh"
debootstrap --variant=minbase "$suite" "$fresh" "$mirror" >"$fresh.log" ||
  { tail "$fresh.log"; exit 1; }
rm "$fresh.log"
printf 'deb %s\n' "${sources[@]}" >"$fresh/etc/apt/sources.list"
apt-config dump | grep -E '^Acquire::[a-z:]*proxy' >"$fresh/etc/apt/apt.conf.d/99proxy" || true
cp /etc/resolv.conf /etc/hosts "$fresh/etc/"
mount -t proc proc "$fresh/proc" || echo "fresh_machine: no /proc in the new root"
mount --bind /dev "$fresh/dev" || echo "fresh_machine: no /dev of the host in the new root"
mount --bind /dev/pts "$fresh/dev/pts" || echo "fresh_machine: no pseudo-terminals in the new root"
git clone -q --no-local . "$fresh/root/hone"

# A plain environment: nothing of this shell's but how to reach the network.
failed=0
report=
for command in "$@"; do
  echo "==> $command"
  start=$SECONDS
  if env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin ${http_proxy:+http_proxy="$http_proxy"} \
    chroot "$fresh" bash -c "cd /root/hone && $command" </dev/null; then
    result=passed
  else
    result=FAILED failed=1
  fi
  report+=$(printf '%-20s %s after %d s' "$command" "$result" $((SECONDS - start)))$'\n'
done
printf '\nfresh machine (Debian %s, commit %s)\n%s' "$(cat "$fresh/etc/debian_version")" \
  "$(git rev-parse --short HEAD)" "$report"
exit $failed
