# A release: made beside the old one, tried, put in its place in one step, and gone back from.
# shellcheck shell=bash

release_of() { readlink -f "$home/$1" 2>/dev/null || true; } # venv, previous
use() { # link, release: in one step
    rm -rf "$home/$1.new" # of an interrupted run
    ln -sfn "releases/${2##*/}" "$home/$1.new"
    mv -T "$home/$1.new" "$home/$1"
}

check_machine() {
    python=${PYTHON:-python3}
    command -v "$python" >/dev/null || fail "Python is missing" "sudo apt install python3 python3-venv"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$("$python" --version) is too old: pvsmqtt needs 3.11 or later" \
            "write a card with a current Raspberry Pi OS (bookworm or later), or use Debian 12 or later" \
            "if you have another one: sudo PYTHON=python3.12 script/install"
    local free need=${NEEDED_MB:-250}
    free=$(df -Pm "$root/opt" 2>/dev/null || df -Pm "$root/")
    free=$(awk 'END { print $4 }' <<<"$free")
    [ "$free" -ge "$need" ] ||
        fail "only $free MB are free for /opt, and $need MB are needed; nothing was changed" \
            "see what needs the space: sudo du -xh / | sort -h | tail -20; often it helps: sudo apt clean"
}

# Who uses the embedded broker keeps it.
extras() {
    if embedded || has_amqtt; then
        echo '[embedded]'
    fi
}

# What a release is made of: the program, its extras and the Python below it.
fingerprint() {
    {
        "$python" -c 'import sys; print(sys.version, sys.base_prefix)'
        extras
        if [ -n "$wheel" ]; then
            sha256sum <"$wheel"
        else
            find pyproject.toml pvsmqtt -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
        fi
    } | sha256sum | cut -d' ' -f1
}

# pip's last words, to a person's: pattern, what it means, what to do.
pip_trouble() { # log
    local pattern meaning advice
    while IFS='|' read -r pattern meaning advice; do
        if grep -qiE "${pattern//;/|}" "$1"; then
            fail "$meaning; nothing was changed" "$advice"
        fi
    done <<'TABLE'
no space left on device|the disk is full|make room: sudo apt clean, sudo journalctl --vacuum-size=50M
name resolution;name or service not known|names are not resolved: there is no network, or no DNS|see whether `ping -c1 pypi.org` works; through the PVS there is no way out: sudo script/install --network
failed to establish;connecttimeout;connection refused;network is unreachable;read timed out;connection broken|the package index is not reached|is there a network? Try again later
certificate_verify_failed;certificate is not yet valid|the certificate of the package index is refused|is the clock right? date; a Pi without a network starts in the past
requirement hatchling|the package index is not reached|is there a network? Try again later
no matching distribution;could not find a version|a library is not there ready-made for this machine and would have to be compiled|on Raspberry Pi OS /etc/pip.conf must have the line extra-index-url=https://www.piwheels.org/simple; to compile all the same (an hour, and more memory than a Pi Zero has): script/install --compile
cannot allocate memory;killed|there is not enough memory|stop other programs, or restart, and try again
TABLE
    tail -5 "$1" >&2
    fail "pip could not install pvsmqtt; nothing was changed"
}

make_release() { # sets release
    mkdir -p "$home/releases"
    # What an interrupted run left behind.
    local old
    for old in "$home"/releases/*/; do
        old=${old%/}
        if [ -e "$old/.unfinished" ]; then
            step "removing ${old#"$root"}, which was never finished"
            rm -rf "$old"
        fi
    done
    release=$home/releases/$(date +%Y%m%d%H%M%S)
    while [ -e "$release" ]; do release=${release}x; done
    mkdir "$release"
    touch "$release/.unfinished"
    trap 'rm -rf "$release"' EXIT
    trap 'exit 130' INT TERM HUP

    step "making ${release#"$root"} with $("$python" --version)"
    if ! "$python" -m venv "$release" >/dev/null 2>&1; then
        step "installing python3-venv"
        if ! script/setup --apt python3-venv || ! "$python" -m venv "$release"; then
            fail "Python cannot make a virtual environment; nothing was changed" "sudo apt install python3-venv"
        fi
    fi
    local what=${wheel:-.} log=$release/pip.log
    step "installing pvsmqtt and its libraries (some minutes on a small Pi)"
    # Not in /tmp: it may be memory, of which a small Pi has little. No cache: it would double the space.
    mkdir "$release/tmp"
    if ! TMPDIR=$release/tmp "$release/bin/python" -m pip install --disable-pip-version-check --no-cache-dir \
        "${only_binary[@]}" "$what$(extras)" >"$log" 2>&1; then
        pip_trouble "$log"
    fi
    rm -rf "$release/tmp" "$log"
}

# Does the new release work here, and does it understand the configuration?
try_release() {
    local version error
    version=$(run -m pvsmqtt --version 2>&1) || fail "the new release does not start; the old one stays:" "${version##*$'\n'}"
    error=$(run -c 'import pvsmqtt.service' 2>&1) || fail "the new release does not start; the old one stays:" "${error##*$'\n'}"
    local service file
    for service in pvsmqtt.service $(instances_that_run); do
        file=$(config_of "$service")
        if [ -e "$file" ] && ! error=$(parses "$release" "$file"); then
            # Who has not finished writing it may upgrade all the same.
            if [ -e "$home/venv/bin/python" ] && parses "$home/venv" "$file" >/dev/null; then
                fail "the new release does not understand the configuration; the old one stays:" "$error"
            fi
            say "  the configuration has errors, before as after:"
            say "    ${error//$'\n'/$'\n'    }"
        fi
    done
    step "$version works"
}
run() { "$release/bin/python" -IB "$@" </dev/null; } # -I: nothing of the clone
parses() { # release, file
    "$1/bin/python" -IB -c '
import sys
from pathlib import Path
from pvsmqtt.settings import SettingsError, load
try:
    load(Path(sys.argv[1]))
except SettingsError as error:
    sys.exit(str(error))
' "$2" 2>&1 </dev/null
}

# The paths in a release made for an image are those it will have there.
move_into_root() {
    [ -n "$root" ] || return 0
    { grep -rlIF "$root/opt/pvsmqtt" "$release/bin" "$release/pyvenv.cfg" || true; } | while read -r file; do
        sed -i "s|$root/opt/pvsmqtt|/opt/pvsmqtt|g" "$file"
    done
}

# Two names change places in one step, of which mv knows nothing.
exchange() {
    "$python" -c '
import ctypes, os, sys
libc, here, exchange = ctypes.CDLL(None, use_errno=True), -100, 2
if libc.renameat2(here, os.fsencode(sys.argv[1]), here, os.fsencode(sys.argv[2]), exchange):
    sys.exit(os.strerror(ctypes.get_errno()))
' "$@"
}

# The new one in the place of the old one, in one step; the one before stays for --rollback, older ones go.
switch() {
    touch "$release/.restart"
    rm -f "$release/.unfinished"
    if [ -d "$home/venv" ] && [ ! -L "$home/venv" ]; then
        # From before there were releases. Its programs know their folder, so it cannot serve to go back.
        rm -rf "$home/venv.new"
        ln -sfn "releases/${release##*/}" "$home/venv.new"
        exchange "$home/venv.new" "$home/venv"
        mv -T "$home/venv.new" "$home/releases/old"
    else
        if [ -L "$home/venv" ]; then
            use previous "$(release_of venv)"
        fi
        use venv "$release"
    fi
    trap - EXIT INT TERM HUP
    step "/opt/pvsmqtt/venv is now releases/${release##*/}"
}

remove_older() {
    local current previous old
    current=$(release_of venv) previous=$(release_of previous)
    for old in "$home"/releases/*/; do
        old=$(readlink -f "$old")
        if [ "$old" != "$current" ] && [ "$old" != "$previous" ]; then
            step "removing ${old#"$root"}"
            rm -rf "$old"
        fi
    done
}

# What ran must run again; if one does not, the release before takes its place again. Those that were not restarted
# until then never left it.
restart() {
    local service running=() restarted=()
    mapfile -t running < <(! service_runs || echo pvsmqtt.service; instances_that_run)
    for service in "${running[@]}"; do
        step "restarting ${service%.service}"
        restarted+=("$service")
        if ! systemd restart "$service"; then
            does_not_start "$service" "${restarted[@]}"
        fi
    done
    rm -f "$home/venv/.restart"
}
does_not_start() { # which, all that were restarted
    local name=${1%.service} service
    [ -n "$(release_of previous)" ] || fail "$name does not start" "journalctl -u $name -n 30"
    go_back
    for service in "${@:2}"; do
        systemd restart "$service" || true
    done
    fail "$name does not start with the new release, so the one before is in use again" "journalctl -u $name -n 30"
}
go_back() { # each takes the other's place
    local current previous
    current=$(release_of venv) previous=$(release_of previous)
    use venv "$previous"
    use previous "$current"
    touch "$home/venv/.restart"
}

new_release() { # fingerprint
    make_release
    try_release
    printf '%s\n' "$1" >"$release/.fingerprint"
    move_into_root
    switch
}
