"""The lifetime energies of a house, counted by this service so that they go on whatever happens to the equipment.

    devices of a house -> `bases`:  what each flow can be counted by, the best first
                       -> `account`: one flow; adds up what its basis counted since it was looked at last
                       -> `ledger`: all flows of all houses; what may be published, what is to be saved
                       -> `days`:   what they stood at when each day began

A total begins with what the equipment has counted since it was installed, where it counts, and with 0 where it does
not. From then on only what is counted more is added. So a meter that is replaced, or a panel, or another basis, makes
no jump and no fall, and nothing is ever counted by two bases at once. Totals and the readings of the counters they
were made of are saved together: after a restart what was counted meanwhile is caught up with, once.
"""
