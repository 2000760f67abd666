"""Modbus as it is heard, RTU and TCP: bytes to frames, frames to register blocks, blocks to images, images to values.

Pure: no I/O, no clock, no logging. ``when`` is a parameter everywhere: seconds of whatever clock the caller reads.

==================  ===================================================================================
`functions`         what a frame of each function code looks like, in both directions: a table
`framer`            bytes -> `frame.Frame`, passive and self-synchronising, with `crc` (good or not, at any
                    place), `turns` (whose turn it is), `acquaintance` (who speaks here), `cover`
                    (vendor-defined frames) and `counters`
`pdu`               the fields of a frame
`dialogue`          frames -> `block.RegisterBlock`: requests with their responses; `exchange` tells what fits
`mbap`              Modbus TCP: the bytes of one direction of a connection -> ADUs, as frames
`transactions`      ADUs of a connection -> register blocks
`image`             what is known of each register of each unit
`values`            registers -> numbers and texts
`mapfile`           what registers mean: tables in TOML
`sunspec`           what registers mean where a unit describes itself
`plan`              what to read at once, for somebody who may ask
==================  ===================================================================================
"""
