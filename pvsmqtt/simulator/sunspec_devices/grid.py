"""The grid as a meter: values for models 201 to 204 and 211 to 214. Power + is import, as this maker counts it."""

from __future__ import annotations

from pvsmqtt.simulator.pvs.house.state import HouseState
from pvsmqtt.simulator.sunspec.chain import Values


def meter(state: HouseState) -> Values:
    """Two legs, L1 and L2 of the house as phases A and B, with scale factors."""
    grid = state.consumption
    watts = [kilowatts * 1000 for kilowatts in grid.leg_power]
    amperes = [current if power >= 0 else -current for current, power in zip(grid.leg_current, watts, strict=True)]
    between = sum(grid.leg_voltage)
    return {
        "A": sum(amperes),
        "AphA": amperes[0],
        "AphB": amperes[1],
        "A_SF": -1,
        "PhV": between / 2,
        "PhVphA": grid.leg_voltage[0],
        "PhVphB": grid.leg_voltage[1],
        "PPV": between,
        "PhVphAB": between,
        "PPVphAB": between,
        "V_SF": -1,
        "Hz": grid.frequency,
        "Hz_SF": -2,
        "W": sum(watts),
        "WphA": watts[0],
        "WphB": watts[1],
        "W_SF": 0 if abs(sum(watts)) < 30_000 else 1,
        "VAR": grid.reactive_power * 1000,
        "VAR_SF": 0 if grid.reactive_power < 30 else 1,
        "TotWhImp": grid.import_energy * 1000,
        "TotWhExp": grid.export_energy * 1000,
        "TotWh_SF": 0,
        "Evt": 0,
    }
