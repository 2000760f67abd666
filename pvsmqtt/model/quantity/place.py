"""Where a panel lies."""

from __future__ import annotations

from pvsmqtt.model.quantity.row import place

ROWS = (
    place("panel_x", "Position X", "Place in the plan of the array, from left to right"),
    place("panel_y", "Position Y", "Place in the plan of the array"),
    place("panel_azimuth", "Azimuth", "Direction the panel faces, 180 = south", "°"),
    place("panel_slope", "Slope", "Tilt of the panel", "°"),
    place("panel_rotation", "Rotation", "Rotation in the plane of the roof", "°"),
)
