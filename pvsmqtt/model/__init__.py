"""The vocabulary: quantities, devices, readings and states. Imports nothing else of pvsmqtt."""
