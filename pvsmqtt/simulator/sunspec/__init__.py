"""SunSpec from the side of the equipment: models out of values, chains out of models, and what a house says.

==============  =====================================================================================
`chain`         models and chains as registers; where a point stands
`storage`       what the storage inverter and the battery of a house say in each model
==============  =====================================================================================

Layouts are the JSON files that `pvsmqtt.modbus.sunspec.definitions` reads as data; that they are laid out rightly is
held by tests that read the chains with pysunspec2's own client.
"""
