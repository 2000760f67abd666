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
systemd_runs() { [ -n "${SYSTEMCTL:-}" ] || { [ -z "$root" ] && [ -d /run/systemd/system ]; }; }
service_runs() { systemd is-active --quiet pvsmqtt.service; }

# Writes a file only where it differs; status 1: it was as it should be already.
put() { # source, target
    if cmp -s "$1" "$2"; then
        return 1
    fi
    step "writing ${2#"$root"}"
    install -D -m 0644 "$1" "$2.new"
    mv "$2.new" "$2"
}

embedded() { grep -qs '^ *host *= *"embedded"' "$config"; }
has_amqtt() { [ -n "$(find "$home/venv/" -maxdepth 4 -name amqtt -print -quit 2>/dev/null)" ]; }

system_files() {
    # The unit gives the service the group of serial devices; Debian has it.
    if [ -z "$root" ]; then
        getent group dialout >/dev/null || groupadd --system dialout
    fi
    if put systemd/pvsmqtt.service "$unit" && systemd_runs; then
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
