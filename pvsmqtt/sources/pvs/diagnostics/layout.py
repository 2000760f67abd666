"""Where the panels lie: ``panels/layout``.

Layout; with ``result`` or without it around the list::

    {"result": {"panels": [{"inverterSerialNumber": "E00190000000001", "xCoordinate": 250, "yCoordinate": -120,
                            "azimuth": 180, "planeRotation": 0, "slope": 22}, …]},
     "success": true}

Angles are degrees; coordinates have no unit. Source: the on-device interface description (swagger 2.3.1),
SunStrong-Management/pypvs#31. Newer firmware does not tell it.
"""

from __future__ import annotations

from collections.abc import Mapping

from pvsmqtt.model.device import slug
from pvsmqtt.model.reading import Value
from pvsmqtt.sources.pvs.replies import succeeded, wrong_shape
from pvsmqtt.sources.pvs.values import number, text

PANEL: Mapping[str, str] = {
    "xCoordinate": "panel_x",
    "yCoordinate": "panel_y",
    "azimuth": "panel_azimuth",
    "slope": "panel_slope",
    "planeRotation": "panel_rotation",
}
"""Key -> quantity; all of them numbers."""


def layout(payload: object) -> dict[str, dict[str, Value]]:
    """Values of each panel by the slug of its inverter's serial number; panels without one are left out.

    Raises:
        Refused: when the reply has no list of panels.
    """
    reply = succeeded(payload, "panels")
    places = (reply.get("result"), reply)
    panels = next((p["panels"] for p in places if isinstance(p, dict) and isinstance(p.get("panels"), list)), None)
    if panels is None:
        raise wrong_shape("list of panels")
    found: dict[str, dict[str, Value]] = {}
    for panel in panels:
        serial = slug(text(panel.get("inverterSerialNumber")) or "") if isinstance(panel, dict) else ""
        if serial:
            found[serial] = {quantity: number(panel[key]) for key, quantity in PANEL.items() if key in panel}
    return found
