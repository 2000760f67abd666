# Takes pvsmqtt off this machine again.
# shellcheck shell=bash

do_uninstall() {
    if [ ! -e "$home" ] && [ ! -e "$unit" ]; then
        say "pvsmqtt is not installed; nothing was changed."
        return
    fi
    local published=''
    if [ -z "$keep_published" ] && ! embedded && [ -x "$home/venv/bin/pvsmqtt" ] && [ -e "$config" ]; then
        if [ -n "$yes" ]; then
            published=yes
        elif [ ! -t 0 ]; then
            fail "nobody is there to ask whether to take what was published off the broker" \
                "--yes: take it off; --keep-published: leave it"
        elif asked "Take everything that was published off the broker? Home Assistant forgets the devices then."; then
            published=yes
        fi
    fi
    if [ -n "$purge" ] && [ -z "$yes" ]; then
        asked "Remove configuration and state too: /etc/pvsmqtt and /var/lib/pvsmqtt?" || fail "nothing was changed" "without --purge they stay"
    fi
    if service_runs; then
        step "stopping the service"
        systemd stop pvsmqtt.service
    fi
    if [ -n "$published" ]; then
        step "taking what was published off the broker"
        "$home/venv/bin/pvsmqtt" purge --config "$config" ||
            fail "it could not be taken off; nothing was removed, the service is stopped" \
                "try again later, or leave it there: --keep-published"
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
    step "removing /opt/pvsmqtt"
    rm -rf "$home/venv" "$home/previous" "$home/releases" "$home/.lock"
    rmdir "$home" 2>/dev/null || say "  what else is in /opt/pvsmqtt stays"
    if [ -n "$purge" ]; then
        step "removing /etc/pvsmqtt and /var/lib/pvsmqtt"
        rm -rf "$root/etc/pvsmqtt" "$root/var/lib/private/pvsmqtt" "$root/var/lib/pvsmqtt"
    else
        say "Configuration (/etc/pvsmqtt) and state (/var/lib/pvsmqtt) stay; to remove them: sudo rm -r /etc/pvsmqtt /var/lib/private/pvsmqtt /var/lib/pvsmqtt"
    fi
    if [ -e "$root/var/lib/pvsmqtt-network/record.json" ]; then
        say "The network stays as --network set it up; to take that back: sudo script/install --network --undo"
    fi
}
