# What the system knows of pvsmqtt: unit, udev rule, configuration, and systemd where it runs.
# shellcheck shell=bash

# systemd, where it runs; never that of this machine for another system. (SYSTEMCTL: for tests.)
if [ -n "${SYSTEMCTL:-}" ]; then
    systemd() { "$SYSTEMCTL" "$@"; }
elif [ -z "$root" ] && [ -d /run/systemd/system ]; then
    systemd() { systemctl "$@"; }
else
    systemd() { return 1; }
fi
# Whether it is this machine, which has its paths and its network, or a folder with a system in it.
this_machine() { [ -z "$root" ] || [ -n "${SYSTEMCTL:-}" ]; }
systemd_runs() { [ -n "${SYSTEMCTL:-}" ] || { [ -z "$root" ] && [ -d /run/systemd/system ]; }; }
service_runs() { systemd is-active --quiet pvsmqtt.service; }

# Several processes (docs/many-houses.md) are instances of a template.
instances() { # states
    { systemd list-units --plain --no-legend --full --state="$1" 'pvsmqtt@*.service' || true; } | awk '{ print $1 }'
}
instances_that_run() { instances active,reloading; }
config_of() { # pvsmqtt.service, pvsmqtt@north.service
    local name=${1#pvsmqtt@}
    printf '%s\n' "${config%/*}/${name%.service}.toml"
}

# Writes a file only where it differs; status 1: it was as it should be already.
put() { # source, target
    if cmp -s "$1" "$2"; then
        return 1
    fi
    step "writing ${2#"$root"}"
    install -D -m 0644 "$1" "$2.new"
    mv "$2.new" "$2"
}

embedded() { grep -qs '^ *host *= *"embedded"' "${1:-$config}"; } # file
has_amqtt() { [ -n "$(find "$home/venv/" -maxdepth 4 -name amqtt -print -quit 2>/dev/null)" ]; }

template_of() { # unit; the same as in docs/many-houses.md
    sed 's|/etc/pvsmqtt/pvsmqtt.toml|/etc/pvsmqtt/%i.toml|; s|^StateDirectory=pvsmqtt$|StateDirectory=pvsmqtt-%i|' "$1"
}
# A template that is what the documentation makes of the unit follows the unit; one that somebody changed is theirs.
# Status 1: nothing was written.
renew_template() {
    local new=systemd/pvsmqtt.service
    if [ ! -e "$template" ] || template_of "$new" | cmp -s - "$template"; then
        return 1
    fi
    if [ -e "$unit" ] && template_of "$unit" | cmp -s - "$template"; then
        step "writing ${template#"$root"}, made of the unit"
        template_of "$new" >"$template.new" && mv "$template.new" "$template"
        return
    fi
    if ! cmp -s "$new" "$unit"; then
        say "  the unit is a new one, and ${template#"$root"} stays as it was: it is not what was made of the old one"
        say "  make it anew, and your changes again: docs/many-houses.md, Several processes"
    fi
    return 1
}

system_files() {
    # The unit gives the service the group of serial devices; Debian has it.
    if [ -z "$root" ]; then
        getent group dialout >/dev/null || groupadd --system dialout
    fi
    local changed=''
    # First: it is compared with what the unit was until now.
    renew_template && changed=yes
    put systemd/pvsmqtt.service "$unit" && changed=yes
    if [ -n "$changed" ] && systemd_runs; then
        systemd daemon-reload
    fi
    if [ -d "$root/etc/udev" ] && put systemd/70-pvsmqtt-serial.rules "$rules"; then
        if [ -z "$root" ] && [ -S /run/udev/control ]; then
            udevadm control --reload
            # Adapters that are plugged in already.
            udevadm trigger --action=change --subsystem-match=usb-serial --subsystem-match=tty
        fi
    fi
}

configuration() {
    [ ! -e "$config" ] || return 0
    mkdir -p "${config%/*}"
    if [ -z "$root" ] && [ -t 0 ] && [ -t 1 ]; then
        step "asking what the configuration needs (Ctrl-C: later, with sudo /opt/pvsmqtt/venv/bin/pvsmqtt setup)"
        "$home/venv/bin/pvsmqtt" setup --config "$config" || true
        if embedded && ! has_amqtt; then
            step "the broker inside pvsmqtt needs a library more"
            new_release "$(fingerprint)"
            remove_older
        fi
    fi
    if [ -e "$config" ]; then # and it said what comes next
        if systemd_runs && asked "Start the service now, and at every boot?"; then
            systemd enable --now pvsmqtt.service || fail "the service does not start" "journalctl -u pvsmqtt -n 30"
            say "It runs: journalctl -u pvsmqtt -f"
        fi
        return
    fi
    put config/pvsmqtt.example.toml "$config"
    say "Now say where your PVS and your broker are:   sudo nano /etc/pvsmqtt/pvsmqtt.toml"
    say "try it:                                       sudo /opt/pvsmqtt/venv/bin/pvsmqtt check"
    say "and start it, now and at every boot:          sudo systemctl enable --now pvsmqtt"
}
