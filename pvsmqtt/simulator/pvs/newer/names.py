"""Names of variables of generation B, and who may read and write which."""

from __future__ import annotations

from pvsmqtt.simulator.pvs.newer.device_fields import Value

Variable = str | dict[str, Value] | None
Variables = dict[str, Variable]

INFO = "/sys/info/"
LIVE = "/sys/livedata/"

OPEN = (
    "/network/report/send",
    *(
        INFO + name
        for name in (
            *("serialnum", "model", "hwrev", "fwrev", "boardtype", "sw_rev"),
            *("ssid", "wpa_key", "lmac", "active_interface"),
        )
    ),
)
"""What everybody may read, without a login and over http (SunStrong-Management/pypvs#40)."""

SSID = "SIMULATED-SSID"
WPA_KEY = "not-a-real-wpa-key"
"""Secrets that must appear nowhere else: whoever finds one of them downstream has found a leak."""

LIVE_ORDER = (
    *("time", "pv_p", "pv_en", "net_p", "net_en", "site_load_p", "site_load_en"),
    *("ess_en", "ess_p", "soc", "backupTimeRemaining", "midstate"),
)
NOT_USED_ON_PVS5 = frozenset({"ess_en", "ess_p", "soc", "backupTimeRemaining", "midstate"})

FLASHWEAR = "/sys/pvs/flashwear_type_b"
ENABLE = "/sys/telemetryws/enable"
CONTROL_MODE = "/ess/config/dcm/mode_param/control_mode"
MIN_SOC = "/ess/config/dcm/control_param/min_customer_soc"

SETTINGS = {ENABLE: "1", CONTROL_MODE: "SELF_CONSUMPTION", MIN_SOC: "0.300000"}
"""What an owner may set, as it is at first. Settings outlast a restart."""
