# Takes pvsmqtt off this machine again.
# shellcheck shell=bash

# Configuration and state that are here: of the service, and of each of several processes, which has a file and a state
# of its own (docs/many-houses.md).
kept() {
    local paths=("$root/etc/pvsmqtt" "$root/var/lib/private/pvsmqtt" "$root/var/lib/pvsmqtt") path name
    for path in "$root"/etc/pvsmqtt/*.toml; do
        name=$(basename "$path" .toml)
        paths+=("$root/var/lib/private/pvsmqtt-$name" "$root/var/lib/pvsmqtt-$name")
    done
    for path in "${paths[@]}"; do
        # What --network wrote down is needed to take the network back.
        if [ -e "$path" ] || [ -L "$path" ] && [ ! -e "$path/record.json" ]; then
            printf '%s\n' "$path"
        fi
    done
}

instances_at_work() { instances active,reloading,activating; } # or about to be
# What has published: the service, and the instances that run or would at the next start.
publishers() {
    local service
    {
        echo pvsmqtt.service
        instances_at_work
        find "$root/etc/systemd/system" -path '*.wants/pvsmqtt@*.service' -printf '%f\n' 2>/dev/null || true
    } | sort -u | while read -r service; do
        if [ -e "$(config_of "$service")" ] && ! embedded "$(config_of "$service")"; then
            printf '%s\n' "$service"
        fi
    done
}

take_off_the_broker() { # service
    local name=${1%.service} state
    state=${name/@/-}
    step "taking what $name published off the broker"
    STATE_DIRECTORY=$root/var/lib/$state "$home/venv/bin/pvsmqtt" purge --config "$(config_of "$1")" ||
        fail "it could not be taken off; nothing was removed, what ran is stopped" \
            "try again later, or leave it there: --keep-published"
}

do_uninstall() {
    local published=() left=() running service path
    if [ -n "$purge" ]; then
        mapfile -t left < <(kept)
    fi
    if [ ! -e "$home" ] && [ ! -e "$unit" ] && [ ! -e "$template" ] && [ ${#left[@]} -eq 0 ]; then
        say "pvsmqtt is not installed; nothing was changed."
        return
    fi
    if [ -z "$keep_published" ] && [ -x "$home/venv/bin/pvsmqtt" ]; then
        mapfile -t published < <(publishers)
    fi
    if [ ${#published[@]} -eq 0 ]; then
        :
    elif ! this_machine; then
        say "What was published stays on the broker: with --root nothing can be taken off it."
        published=()
    elif [ -n "$yes" ]; then
        :
    elif [ ! -t 0 ]; then
        fail "nobody is there to ask whether to take what was published off the broker" \
            "--yes: take it off; --keep-published: leave it"
    elif ! asked "Take everything that was published off the broker? Home Assistant forgets the devices then."; then
        published=()
    fi
    if [ ${#left[@]} -gt 0 ] && [ -z "$yes" ]; then
        asked "Remove configuration and state too: ${left[*]#"$root"}?" || fail "nothing was changed" "without --purge they stay"
    fi
    mapfile -t running < <(! service_runs || echo pvsmqtt.service; instances_at_work)
    for service in "${running[@]}"; do
        step "stopping ${service%.service}"
        systemd stop "$service"
    done
    for service in "${published[@]}"; do
        take_off_the_broker "$service"
    done
    if [ -e "$template" ]; then
        step "removing ${template#"$root"}, which is of no use without /opt/pvsmqtt"
        systemd disable pvsmqtt@.service || rm -f "$root"/etc/systemd/system/*.wants/pvsmqtt@*.service
        rm -f "$template"
        ! systemd_runs || systemd daemon-reload
    fi
    if [ -e "$unit" ]; then
        step "removing the service"
        systemd disable pvsmqtt.service || rm -f "$root"/etc/systemd/system/*.wants/pvsmqtt.service
        rm -f "$unit"
        ! systemd_runs || systemd daemon-reload
    fi
    if [ -e "$rules" ]; then
        step "removing ${rules#"$root"}"
        rm -f "$rules"
        [ -n "$root" ] || [ ! -S /run/udev/control ] || udevadm control --reload
    fi
    if [ -e "$home" ]; then
        step "removing /opt/pvsmqtt"
        rm -rf "$home/venv" "$home/previous" "$home/releases" "$home/.lock"
        rmdir "$home" 2>/dev/null || say "  what else is in /opt/pvsmqtt stays"
    fi
    for path in "${left[@]}"; do
        step "removing ${path#"$root"}"
        rm -rf "$path"
    done
    if [ -z "$purge" ]; then
        say "Configuration (/etc/pvsmqtt) and state (/var/lib/pvsmqtt) stay; to remove them: sudo script/install --uninstall --purge"
    fi
    if [ -e "$root/var/lib/pvsmqtt-network/record.json" ]; then
        say "The network stays as --network set it up; to take that back: sudo script/install --network --undo"
    fi
}
