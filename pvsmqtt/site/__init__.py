"""What readings mean to the house: who the devices are, what is still true, what it all adds up to."""
