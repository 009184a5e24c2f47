#!/usr/bin/env bash
# Sets up a Debian machine to run idemcheck on real brokers: a container engine,
# a base image with a Java runtime, and a Kafka image for each version asked for.
# No container registry is needed: packages come from the machine's own apt
# sources, Kafka's jars from its own Maven configuration.
#
# It may be run again at any time: what is there already is left alone.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/setup-debian.sh [--engine-only] [--kafka VERSION]...
       scripts/setup-debian.sh --stop

  --kafka VERSION  make the image of this Kafka (default 4.3.1); may be given several times
  --engine-only    only install and start the container engine
  --stop           stop the engine, if this script started it
USAGE
}

state=/run/idemcheck
pid_file=$state/dockerd.pid
log_file=/var/log/idemcheck-dockerd.log
versions=()
engine_only=
stop=

say() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }
fail() {
	printf 'setup-debian: %s\n' "$*" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	case $1 in
	--engine-only) engine_only=yes ;;
	--stop) stop=yes ;;
	--kafka)
		[ -n "${2-}" ] || { usage >&2; exit 64; }
		versions+=("$2")
		shift
		;;
	--kafka=?*) versions+=("${1#*=}") ;;
	-h | --help) usage; exit 0 ;;
	*) printf 'setup-debian: unknown option %s\n' "$1" >&2; usage >&2; exit 64 ;;
	esac
	shift
done
[ ${#versions[@]} -gt 0 ] || versions=(4.3.1)

# ours prints the id of the engine process this script started, if it still runs.
ours() {
	local pid
	[ -f "$pid_file" ] || return 1
	pid=$(cat "$pid_file")
	# The id may belong to another process by now: only an engine is ours.
	[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || return 1
	echo "$pid"
}

stop_engine() {
	local pid
	if ! pid=$(ours); then
		rm -f "$pid_file"
		say "no engine runs that this script started: nothing to stop"
		return
	fi
	say "stopping the engine, process $pid"
	kill "$pid"
	for _ in $(seq 300); do
		if [ ! -d "/proc/$pid" ]; then
			rm -f "$pid_file"
			say "stopped"
			return
		fi
		sleep 0.1
	done
	fail "the engine, process $pid, did not end within 30 s: see $log_file"
}

answers() { command -v docker >/dev/null && timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null; }

apt_ready=
# need COMMAND PACKAGE installs the package that has the command, unless it is there.
need() {
	command -v "$1" >/dev/null && return
	command -v apt-get >/dev/null || fail "there is no $1 here, and no apt-get to install it with: this script is for Debian"
	if [ -z "$apt_ready" ]; then
		say "reading the package lists (apt-get update)"
		quietly apt-get update
		apt_ready=yes
	fi
	say "installing $2 (for $1)"
	quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$2"
	hash -r
	command -v "$1" >/dev/null || fail "package $2 was installed, but there is still no $1 on the PATH"
}

# quietly runs a command, and shows what it said only if it fails.
quietly() {
	local out
	if ! out=$("$@" 2>&1); then
		printf '%s\n' "$out" | tail -n 15 >&2
		fail "this failed: $*"
	fi
}

start_engine() {
	local version pid
	if version=$(answers) && [ -n "$version" ]; then
		say "the container engine answers, version $version"
		return
	fi
	[ -z "${DOCKER_HOST-}" ] || fail "no engine answers at DOCKER_HOST=$DOCKER_HOST: start it, or unset DOCKER_HOST to have one here"
	need dockerd docker.io
	need docker docker-cli # a package of its own only from Debian 13
	need iptables iptables
	if version=$(answers) && [ -n "$version" ]; then
		say "the container engine answers, version $version"
		return
	fi
	if [ -d /run/systemd/system ]; then
		say "starting the engine as a service (systemctl start docker)"
		quietly systemctl start docker
	elif pid=$(ours); then
		say "the engine that this script started before, process $pid, does not answer yet"
	else
		mkdir -p "$state"
		rm -f /var/run/docker.pid # of an engine that was killed; a living one would have answered
		: >"$log_file"
		setsid dockerd >>"$log_file" 2>&1 </dev/null &
		echo $! >"$pid_file"
		# Until the new process has become dockerd, it would not be known as ours.
		for _ in $(seq 50); do
			ours >/dev/null && break
			sleep 0.1
		done
		say "started the engine: process $(cat "$pid_file") (written to $pid_file), log in $log_file"
	fi
	for _ in $(seq 300); do
		if version=$(answers) && [ -n "$version" ]; then
			say "the container engine answers, version $version"
			return
		fi
		if [ -f "$pid_file" ] && ! ours >/dev/null && [ ! -d /run/systemd/system ]; then
			tail -n 15 "$log_file" >&2
			rm -f "$pid_file"
			fail "the engine ended instead of starting: the end of its log is above"
		fi
		sleep 0.2
	done
	fail "the engine does not answer after 60 s: see $log_file (or journalctl -u docker)"
}

build_images() {
	local root builder version
	root=$(cd "$(dirname "$0")/.." && pwd)
	need debootstrap debootstrap
	need unshare util-linux
	need mvn maven
	builder=$(mktemp -d)
	# shellcheck disable=SC2064 # the folder's name is meant now
	trap "rm -rf '$builder'" EXIT
	say "compiling the image builder"
	(cd "$root" && go build -o "$builder/build-image" ./images/cmd/build-image) || fail "the image builder does not compile: see above"
	for version in "${versions[@]}"; do
		say "Kafka $version"
		"$builder/build-image" --kafka "$version" || fail "there is no image of Kafka $version: see above"
	done
}

[ "$(id -u)" -eq 0 ] || fail "this needs root: run it as sudo $0"
if [ -n "$stop" ]; then
	stop_engine
	exit
fi
if [ -z "$engine_only" ]; then
	# Looked for first, for it is the one thing that Debian 12 does not package.
	command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
	command -v go >/dev/null || fail "there is no go on the PATH: install the version that go.mod names, or run with --engine-only"
fi
start_engine
[ -n "$engine_only" ] || build_images
say "done"
